// SPDX-License-Identifier: Apache-2.0

/// What hosts say, and what they are told.
extension APIDescription {
    static let hosts = #"""
        "/api/v1/fleet/orders": {
          "get": {"operationId": "orders", "summary": "Everything the host shall have.",
            "security": [{"hostCertificate": []}],
            "parameters": [
              {"name": "after", "in": "query", "description": "The tag of the answer before: wait for another one.",
                "schema": {"type": "string", "maxLength": 500}},
              {"name": "wait", "in": "query", "description": "For how many seconds.",
                "schema": {"type": "integer", "minimum": 0, "maximum": 60, "default": 0}}],
            "responses": {"200": \#(answer("HostOrders", "The orders.")), \#(refusals(400, 401, 403, 404))}}},
        "/api/v1/fleet/report": {
          "post": {"operationId": "report", "summary": "A sign of life: how far the host is, and what it has.",
            "description": "What was said before changes nothing.",
            "security": [{"hostCertificate": []}], "requestBody": \#(body("HostNotice")),
            "responses": {"200": \#(answer("HostOrders", "The orders.")),
              \#(refusals(400, 401, 403, 404, 409, 413, 422, 507))}}}
        """#

    static let hostSchemas = #"""
            "OrderStamp": {"type": "object", "required": ["epoch", "rollout", "order"], "properties": {
              "epoch": {"type": "string", "maxLength": 63}, "rollout": {"type": "integer", "minimum": 0},
              "order": {"type": "integer", "minimum": 0, "description": "The greater, the newer."}}},
            "HostOrders": {"type": "object", "required": ["version", "tag", "orders", "contactSeconds"],
              "properties": {
                "version": {"$ref": "#/components/schemas/FleetVersion"}, "tag": {"type": "string"},
                "contactSeconds": {"type": "integer", "minimum": 1},
                "orders": {"type": "array", "maxItems": 256, "items": {"type": "object",
                  "required": ["stamp", "step", "master", "infoHash", "probe", "clearsDenial", "stageRatePercent"],
                  "properties": {
                    "stamp": {"$ref": "#/components/schemas/OrderStamp"}, "step": {"$ref": "#/components/schemas/Word"},
                    "master": {"$ref": "#/components/schemas/MasterName"}, "infoHash": {"type": "string"},
                    "previous": {"type": "integer", "minimum": 1}, "probe": {"type": "boolean"},
                    "clearsDenial": {"type": "boolean"},
                    "stageRatePercent": {"type": "integer", "minimum": 1, "maximum": 100}}}}}},
            "HostNotice": {"type": "object", "required": ["version"], "description": "At most 256 KiB.",
              "properties": {
                "version": {"$ref": "#/components/schemas/FleetVersion"},
                "reports": {"type": "array", "maxItems": 256, "items": {"type": "object",
                  "required": ["stamp", "master", "state"], "properties": {
                    "stamp": {"$ref": "#/components/schemas/OrderStamp"},
                    "master": {"$ref": "#/components/schemas/MasterName"},
                    "state": {"$ref": "#/components/schemas/Word"}, "bytes": {"type": "integer", "minimum": 0},
                    "code": {"$ref": "#/components/schemas/Word"}, "log": {"type": "string", "maxLength": 65536}}}},
                "facts": {"$ref": "#/components/schemas/HostFacts"},
                "activity": {"$ref": "#/components/schemas/HostActivity"}}},
            "HostActivity": {"type": "object", "required": ["down", "up"],
              "description": "What goes on at the moment; one that cannot be read is passed over.", "properties": {
                "port": {"type": "integer", "minimum": 1, "maximum": 65535},
                "down": {"type": "integer", "minimum": 0, "description": "Bytes a second."},
                "up": {"type": "integer", "minimum": 0},
                "fetches": {"type": "array", "maxItems": 8, "items": {"$ref": "#/components/schemas/HostFetch"}},
                "neighbours": {"type": "array", "maxItems": 16, "items": {"type": "object",
                  "required": ["address", "down", "up"], "properties": {
                    "address": {"type": "string", "maxLength": 63}, "down": {"type": "integer", "minimum": 0},
                    "up": {"type": "integer", "minimum": 0}}}}}},
            "HostFetch": {"type": "object",
              "description": "A master that a host fetches, and what holds it up.",
              "required": ["master", "bytes", "size", "rate", "cause", "finding", "map"], "properties": {
                "master": {"type": "string", "maxLength": 500}, "bytes": {"type": "integer", "minimum": 0},
                "size": {"type": "integer", "minimum": 0}, "rate": {"type": "integer", "minimum": 0},
                "rarestCopies": {"type": "integer", "minimum": 0, "maximum": 1000000},
                "least": {"type": "integer", "minimum": 0}, "most": {"type": "integer", "minimum": 0},
                "cause": {"type": "string", "maxLength": 63}, "finding": {"type": "string", "maxLength": 500},
                "map": {"type": "string", "maxLength": 128, "pattern": "^[0-9a-f]*$"}}},
            "HostFacts": {"type": "object", "required": ["program", "freeBytes", "capacityBytes"], "properties": {
              "program": {"type": "string", "maxLength": 63},
              "labels": {"type": "object", "maxProperties": 64, "additionalProperties": {"type": "string"}},
              "freeBytes": {"type": "integer", "minimum": 0}, "capacityBytes": {"type": "integer", "minimum": 0},
              "linkRate": {"type": "integer", "minimum": 0}, "busy": {"type": "boolean"},
              "healthy": {"type": "boolean"},
              "lines": {"type": "array", "maxItems": 256, "items": {"type": "object", "required": ["name"],
                "properties": {
                  "name": {"$ref": "#/components/schemas/Line"}, "active": {"type": "integer", "minimum": 1},
                  "held": {"type": "array", "maxItems": 256, "items": {"type": "integer", "minimum": 1}},
                  "denied": {"type": "array", "maxItems": 256, "items": {"type": "integer", "minimum": 1}},
                  "clones": {"type": "array", "maxItems": 256, "items": {"type": "object",
                    "required": ["version", "count"], "properties": {
                      "version": {"type": "integer", "minimum": 1}, "count": {"type": "integer", "minimum": 0},
                      "running": {"type": "integer", "minimum": 0}}}}}}}}}
        """#
}
