// SPDX-License-Identifier: Apache-2.0

/// What operators see of hosts, and what they want of them.
extension APIDescription {
    private static let looking = #"[{"token": ["view"]}]"#
    private static let rollingOut = #"[{"token": ["roll-out"]}]"#
    private static let host =
        #"{"name": "host", "in": "path", "required": true, "schema": {"type": "string", "maxLength": 253}}"#
    private static let pinnedLine =
        ##"{"name": "line", "in": "path", "required": true, "schema": {"$ref": "#/components/schemas/Line"}}"##

    static let roster = #"""
        "/api/v1/hosts": {
          "get": {"operationId": "listHosts", "summary": "Enrolled hosts, by name.", "security": \#(looking),
            "description": "A page has 100 hosts at most.",
            "parameters": [\#(parameters("limit")),
              {"name": "after", "in": "query", "schema": {"type": "string"}},
              {"name": "selector", "in": "query", "description": "Such as rack=r1|r2,role!=database; or all.",
                "schema": {"type": "string"}},
              {"name": "state", "in": "query", "schema": {
                "type": "string", "enum": ["all", "online", "silent", "drained", "pinned"], "default": "all"}}],
            "responses": {"200": \#(answer("HostPage", "A page.")), \#(refusals(400, 401, 403))}}},
        "/api/v1/hosts/{host}": {
          "get": {"operationId": "host", "summary": "One host.", "security": \#(looking),
            "parameters": [\#(host)],
            "responses": {"200": \#(answer("Host", "The host.")), \#(refusals(400, 401, 403, 404))}}},
        "/api/v1/hosts/{host}/drained": {
          "put": {"operationId": "drain", "summary": "Keeps the host out of all rollouts.",
            "description": "The same again is answered alike. The token must be for every line of masters.",
            "security": \#(rollingOut), "parameters": [\#(host)],
            "responses": {"200": \#(answer("Host", "The host.")), \#(refusals(400, 401, 403, 404, 507))}},
          "delete": {"operationId": "undrain", "summary": "Lets the host take part in rollouts again.",
            "description": "The same again is answered alike. The token must be for every line of masters.",
            "security": \#(rollingOut), "parameters": [\#(host)],
            "responses": {"200": \#(answer("Host", "The host.")), \#(refusals(400, 401, 403, 404, 507))}}},
        "/api/v1/hosts/{host}/pinned/{line}": {
          "put": {"operationId": "pin", "summary": "Keeps the host at the version that it has of a line.",
            "description": "The same again is answered alike.",
            "security": \#(rollingOut), "parameters": [\#(host), \#(pinnedLine)],
            "responses": {"200": \#(answer("Host", "The host.")), \#(refusals(400, 401, 403, 404, 413, 507))}},
          "delete": {"operationId": "unpin", "summary": "Lets the host follow rollouts of a line again.",
            "description": "The same again is answered alike.",
            "security": \#(rollingOut), "parameters": [\#(host), \#(pinnedLine)],
            "responses": {"200": \#(answer("Host", "The host.")), \#(refusals(400, 401, 403, 404, 507))}}}
        """#

    static let rosterSchemas = #"""
            "HostPage": {"type": "object", "required": ["version", "hosts"], "properties": {
              "version": {"$ref": "#/components/schemas/FleetVersion"},
              "hosts": {"type": "array", "maxItems": 100, "items": {"$ref": "#/components/schemas/Host"}},
              "next": {"type": "string"}}},
            "Host": {"type": "object",
              "required": ["version", "name", "labels", "enrolled", "online", "drained", "pinned"],
              "properties": {
                "version": {"$ref": "#/components/schemas/FleetVersion"},
                "name": {"$ref": "#/components/schemas/HostName"},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                "enrolled": {"$ref": "#/components/schemas/Time"},
                "online": {"type": "boolean", "description": "Whether it was heard of lately."},
                "lastHeard": {"$ref": "#/components/schemas/Time"},
                "drained": {"type": "boolean", "description": "Whether operators keep it out of all rollouts."},
                "pinned": {"type": "array", "maxItems": 256, "items": {"$ref": "#/components/schemas/Line"},
                  "description": "Lines of which operators keep it at the version that it has."},
                "facts": {"$ref": "#/components/schemas/HostFacts"}}}
        """#
}
