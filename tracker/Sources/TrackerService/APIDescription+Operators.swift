// SPDX-License-Identifier: Apache-2.0

/// Tokens of operators, the audit trail, the epoch; certificates of hosts.
extension APIDescription {
    static let operators = #"""
        "/api/v1/tokens": {
          "get": {"operationId": "listTokens", "summary": "Operators' tokens, without the secrets.",
            "security": [{"token": ["manage-tokens"]}],
            "parameters": [\#(parameters("limit")),
              {"name": "after", "in": "query", "schema": {"type": "string"}}],
            "responses": {"200": \#(answer("TokenPage", "A page.")), \#(refusals(400, 401, 403))}},
          "post": {"operationId": "createToken", "summary": "Makes a token for an operator.",
            "description": "The same request again, by its key, makes no second one: 409, since a token is shown once.",
            "security": [{"token": ["create-tokens"]}], "parameters": [\#(parameters("requestKey"))],
            "requestBody": \#(body("TokenRequest")),
            "responses": {"201": \#(answer("CreatedToken", "It is shown here and never again.")),
              \#(refusals(400, 401, 403, 409, 413, 422, 507))}}},
        "/api/v1/tokens/{id}": {
          "delete": {"operationId": "revokeToken", "summary": "Withdraws a token.",
            "description": "The same again is answered alike.",
            "security": [{"token": ["manage-tokens"]}],
            "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "string"}}],
            "responses": {"204": {"description": "It is worth nothing any more."},
              \#(refusals(400, 401, 403, 404, 507))}}},
        "/api/v1/audit": {
          "get": {"operationId": "audit", "summary": "The audit trail's lines as they stand in the chain.",
            "security": [{"token": ["read-audit"]}],
            "parameters": [\#(parameters("limit")),
              {"name": "after", "in": "query", "schema": {
                "type": "integer", "format": "int64", "minimum": 0, "maximum": 9223372036854775807}}],
            "responses": {"200": \#(answer("AuditPage", "A page.")), \#(refusals(400, 401, 403))}}},
        "/api/v1/epoch": {
          "get": {"operationId": "epoch", "summary": "Which generation of the tracker's data this is.",
            "security": [{"token": ["view"]}, {"hostCertificate": []}],
            "responses": {"200": \#(answer("Epoch", "It.")), \#(refusals(401, 403))}}}
        """#

    static let certificates = #"""
        "/api/v1/fleet/certificate": {
          "post": {"operationId": "certify", "summary": "A host's first certificate, or its next one.",
            "security": [],
            "description": "Who asks is proven by the request itself. The same one again within a day is answered with the \#
        same certificate. Only where the tracker has the fleet's authority.",
            "requestBody": \#(body("CertificateOrder")),
            "responses": {"200": \#(answer("EnrolmentAnswer", "The certificate.")),
              \#(refusals(400, 401, 403, 404, 409, 413, 422, 507))}}},
        "/api/v1/fleet/revoked": {
          "get": {"operationId": "revoked", "summary": "The certificates that count no more, signed.", "security": [],
            "description": "Only where the tracker has the fleet's authority.",
            "responses": {"200": \#(answer("RevocationList", "The list.")), \#(refusals(404))}}}
        """#

    static let operatorSchemas = #"""
            "Token": {"type": "object",
              "required": ["id", "name", "roles", "scopes", "isOneTime", "creator", "created", "expires"],
              "properties": {
                "id": {"type": "string"}, "name": {"type": "string"},
                "roles": {"type": "array", "items": {"$ref": "#/components/schemas/Role"}},
                "scopes": {"type": "array", "items": {"type": "string"},
                  "description": "Lines, or beginnings of their names and '*'; none for every line."},
                "isOneTime": {"type": "boolean"}, "creator": {"type": "string"},
                "created": {"$ref": "#/components/schemas/Seconds"},
                "expires": {"$ref": "#/components/schemas/Seconds"},
                "revoked": {"$ref": "#/components/schemas/Seconds"}}},
            "Role": {"type": "string", "enum": ["viewer", "operator", "publisher", "admin"]},
            "Seconds": {"type": "integer", "format": "int64", "description": "Since 1970."},
            "TokenPage": {"type": "object", "required": ["tokens"], "properties": {
              "tokens": {"type": "array", "items": {"$ref": "#/components/schemas/Token"}},
              "next": {"type": "string"}}},
            "TokenRequest": {"type": "object", "required": ["name", "roles"], "properties": {
              "name": {"type": "string", "minLength": 1, "maxLength": 100},
              "roles": {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/Role"}},
              "scopes": {"type": "array", "maxItems": 64, "items": {"type": "string"}},
              "expiresIn": {"type": "integer", "minimum": 1, "maximum": 31622400, "description": "Seconds."}}},
            "CreatedToken": {"type": "object", "required": ["token", "entry"], "properties": {
              "token": {"type": "string", "pattern": "^drv_"}, "entry": {"$ref": "#/components/schemas/Token"}}},
            "AuditPage": {"type": "object", "required": ["lines"], "properties": {
              "lines": {"type": "array", "items": {"type": "string"}},
              "next": {"type": "integer", "minimum": 0}}},
            "Epoch": {"type": "object", "required": ["id", "number", "begun"], "properties": {
              "id": {"type": "string"}, "number": {"type": "integer", "minimum": 1},
              "begun": {"$ref": "#/components/schemas/Seconds"}}}
        """#

    static let certificateSchemas = #"""
            "CertificateOrder": {"type": "object", "minProperties": 1, "maxProperties": 1,
              "description": "At most 32 KiB.",
              "properties": {
                "enrol": {"type": "object", "required": ["_0"], "properties": {"_0": {
                  "type": "object", "required": ["host", "request", "token", "signature"], "properties": {
                    "host": {"type": "string"}, "request": {"type": "string"}, "token": {"type": "string"},
                    "signature": {"type": "string"}}}}},
                "renew": {"type": "object", "required": ["_0"], "properties": {"_0": {
                  "type": "object", "required": ["certificate", "request", "signature"], "properties": {
                    "certificate": {"type": "string"}, "request": {"type": "string"},
                    "signature": {"type": "string"}}}}}}},
            "EnrolmentAnswer": {"type": "object", "required": ["certificate", "authority"], "properties": {
              "certificate": {"type": "string", "description": "PEM."},
              "authority": {"type": "string", "description": "PEM."}}},
            "RevocationList": {"type": "object", "required": ["content", "signature"], "properties": {
              "content": {"type": "string", "contentEncoding": "base64"}, "signature": {"type": "string"}}}
        """#
}
