// SPDX-License-Identifier: Apache-2.0

/// Masters, and what publishers have signed about them.
extension APIDescription {
    private var reading: String { security(#"{"token": ["view"]}"#, #"{"hostCertificate": []}"#) }
    private var publishing: String { security(#"{"token": ["publish"]}"#) }

    var catalogue: String {
        #"""
        "/api/v1/masters": {
          "get": {"operationId": "listMasters", "summary": "What is published, by name and version.",
            "security": \#(reading),
            "parameters": [\#(Self.parameters("limit")),
              {"name": "after", "in": "query", "schema": {"$ref": "#/components/schemas/MasterName"}}],
            "responses": {"200": \#(Self.answer("MasterPage", "A page.")), \#(Self.refusals(400, 401, 403))}}},
        "/api/v1/masters/{name}": {
          "get": {"operationId": "newestMaster", "summary": "The newest version of a line.", "security": \#(reading),
            "parameters": [\#(Self.parameters("line"))],
            "responses": {"200": \#(Self.answer("Master", "The newest.")), \#(Self.refusals(400, 401, 403, 404))}}},
        "/api/v1/masters/{name}/{version}": {
          "get": {"operationId": "master", "summary": "One version.", "security": \#(reading),
            "parameters": [\#(Self.parameters("line", "version"))],
            "responses": {"200": \#(Self.answer("Master", "It.")), \#(Self.refusals(400, 401, 403, 404))}},
          "put": {"operationId": "publishMaster", "summary": "Publishes a .torrent whose name is NAME@VERSION.raw.",
            "description": "Once published, a version stays as it is: the same one again is answered with 200.",
            "security": \#(publishing),
            "parameters": [\#(Self.parameters("line", "version")),
              {"name": "label", "in": "query", "schema": {"type": "string", "maxLength": 200}}],
            "requestBody": {"required": true, "content": {"application/x-bittorrent": {
              "schema": {"type": "string", "format": "binary"}}}},
            "responses": {
              "200": \#(Self.answer("Master", "It was published with this content before.")),
              "201": \#(Self.answer("Master", "It is published.")), \#(Self.refusals(400, 401, 403, 409, 413, 422, 507))}}},
        "/api/v1/masters/{name}/{version}/torrent": {
          "get": {"operationId": "torrent", "summary": "The .torrent, to the byte as published.",
            "security": \#(reading), "parameters": [\#(Self.parameters("line", "version"))],
            "responses": {
              "200": {"description": "It.", "content": {"application/x-bittorrent": {
                "schema": {"type": "string", "format": "binary"}}}},
              \#(Self.refusals(400, 401, 403, 404))}}}
        """#
    }

    var signed: String {
        #"""
        "/api/v1/masters/{name}/{version}/statement": {
          "get": {"operationId": "statement", "summary": "What publishers have signed about a version.",
            "security": \#(reading), "parameters": [\#(Self.parameters("line", "version"))],
            "responses": {"200": \#(Self.answer("Envelope", "The envelope.")), \#(Self.refusals(400, 401, 403, 404))}},
          "put": {"operationId": "fileStatement",
            "summary": "Files a signed statement; the same one with other signatures adds these.",
            "description": "The same one again is answered alike, or with 409 when a newer one was filed since.",
            "security": \#(publishing), "parameters": [\#(Self.parameters("line", "version"))],
            "requestBody": \#(Self.body("Envelope")),
            "responses": {"204": {"description": "It is filed."},
              \#(Self.refusals(400, 401, 403, 409, 413, 422, 507))}}},
        "/api/v1/masters/{name}/pointer": {
          "get": {"operationId": "pointer", "summary": "Which version publishers say is current.",
            "security": \#(reading), "parameters": [\#(Self.parameters("line"))],
            "responses": {"200": \#(Self.answer("Envelope", "The envelope.")), \#(Self.refusals(400, 401, 403, 404))}},
          "put": {"operationId": "filePointer", "summary": "Files a signed pointer, which must be newer.",
            "description": "The same one again is answered alike, or with 409 when a newer one was filed since.",
            "security": \#(publishing), "parameters": [\#(Self.parameters("line"))],
            "requestBody": \#(Self.body("Envelope")),
            "responses": {"204": {"description": "It is filed."},
              \#(Self.refusals(400, 401, 403, 409, 413, 422, 507))}}}
        """#
    }

    static let catalogueSchemas = #"""
            "Health": {"type": "object", "required": ["status", "swarms", "peers"], "properties": {
              "status": {"const": "ok"},
              "swarms": {"type": "integer", "minimum": 0}, "peers": {"type": "integer", "minimum": 0}}},
            "Master": {"type": "object", "required": ["name", "version", "size", "published"], "properties": {
              "name": {"$ref": "#/components/schemas/Line"},
              "version": {"type": "integer", "format": "int64", "minimum": 1},
              "label": {"type": "string"},
              "size": {"type": "integer", "format": "int64", "minimum": 0, "description": "Bytes of the image."},
              "infoHashV1": {"type": "string", "pattern": "^[0-9a-f]{40}$"},
              "infoHashV2": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
              "published": {"$ref": "#/components/schemas/Time"}}},
            "MasterPage": {"type": "object", "required": ["masters"], "properties": {
              "masters": {"type": "array", "items": {"$ref": "#/components/schemas/Master"}},
              "next": {"$ref": "#/components/schemas/MasterName"}}},
            "Envelope": {"type": "object", "required": ["payloadType", "payload", "signatures"],
              "description": "DSSE 1.0; at most 512 KiB, and 256 KiB of payload.",
              "properties": {
                "payloadType": {"type": "string"},
                "payload": {"type": "string", "contentEncoding": "base64"},
                "signatures": {"type": "array", "maxItems": 64, "items": {
                  "type": "object", "required": ["keyid", "sig"], "properties": {
                    "keyid": {"type": "string"}, "sig": {"type": "string", "contentEncoding": "base64"}}}}}}
        """#
}
