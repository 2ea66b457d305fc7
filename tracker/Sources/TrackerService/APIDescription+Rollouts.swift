// SPDX-License-Identifier: Apache-2.0

/// Rollouts, and what hosts are told of them.
extension APIDescription {
    private static let looking = #"[{"token": ["view"]}]"#
    private static let rollingOut = #"[{"token": ["roll-out"]}]"#

    static let rollouts = #"""
        "/api/v1/events": {
          "get": {"operationId": "events", "summary": "Rollouts and hosts as they change.", "security": \#(looking),
            "description": "Server-sent events: 'rollout' with a RolloutStatus, 'hosts' with a Hosts; at first all \#
        there is, then what has changed, once a second. The stream ends after five minutes; ask again.",
            "responses": {
              "200": {"description": "Events, each as described here.", "content": {"text/event-stream": {
                "schema": {"$ref": "#/components/schemas/Event"}}}},
              \#(refusals(401, 403))}}},
        "/api/v1/rollouts": {
          "get": {"operationId": "listRollouts", "summary": "Rollouts, the newest first.", "security": \#(looking),
            "parameters": [\#(parameters("limit")), {"name": "before", "in": "query", "schema": {
              "type": "integer", "format": "int64", "minimum": 0, "maximum": 9223372036854775807}}],
            "responses": {"200": \#(answer("RolloutPage", "A page.")), \#(refusals(400, 401, 403))}},
          "post": {"operationId": "createRollout", "summary": "Plans a rollout and keeps it, to be started.",
            "security": \#(rollingOut), "parameters": [\#(parameters("requestKey"))],
            "requestBody": \#(body("RolloutRequest")),
            "responses": {"201": \#(answer("RolloutPlan", "It is planned.")),
              \#(refusals(400, 401, 403, 404, 409, 413, 422, 507))}}},
        "/api/v1/rollouts/plan": {
          "post": {"operationId": "planRollout", "summary": "What a rollout would do. Nothing is kept of it.",
            "security": \#(rollingOut), "requestBody": \#(body("RolloutRequest")),
            "responses": {"200": \#(answer("RolloutPlan", "The plan.")),
              \#(refusals(400, 401, 403, 404, 409, 413, 422, 507))}}},
        "/api/v1/rollouts/{number}": {
          "get": {"operationId": "rollout", "summary": "How far a rollout is.", "security": \#(looking),
            "parameters": [\#(parameters("rollout"))],
            "responses": {"200": \#(answer("RolloutStatus", "Its state.")), \#(refusals(400, 401, 403, 404))}}},
        "/api/v1/rollouts/{number}/hosts/{host}": {
          "get": {"operationId": "why", "summary": "Why a host is where it is in a rollout.", "security": \#(looking),
            "parameters": [\#(parameters("rollout")),
              {"name": "host", "in": "path", "required": true, "schema": {"type": "string", "maxLength": 253}}],
            "responses": {"200": \#(answer("RolloutWhy", "Why.")), \#(refusals(400, 401, 403, 404))}}},
        "/api/v1/rollouts/{number}/hosts/{host}/log": {
          "get": {"operationId": "hostLog", "summary": "The log of what failed on a host.", "security": \#(looking),
            "parameters": [\#(parameters("rollout")),
              {"name": "host", "in": "path", "required": true, "schema": {"type": "string", "maxLength": 253}}],
            "responses": {
              "200": {"description": "The log.", "content": {"text/plain": {"schema": {"type": "string"}}}},
              \#(refusals(400, 401, 403, 404))}}},
        "/api/v1/rollouts/{number}/commands": {
          "post": {"operationId": "command",
            "summary": "Starts, pauses, resumes, promotes, undoes a rollout and so on.",
            "security": \#(rollingOut), "parameters": [\#(parameters("rollout", "requestKey"))],
            "requestBody": \#(body("RolloutCommand")),
            "responses": {"200": \#(answer("RolloutStatus", "Its state after that.")),
              \#(refusals(400, 401, 403, 404, 409, 413, 422, 507))}}}
        """#

    static let rolloutSchemas = #"""
            "FleetVersion": {"type": "object", "required": ["written", "least"],
              "description": "The version of the protocol that the sender writes, and the least one that must be known.",
              "properties": {
                "written": {"type": "integer", "minimum": 1}, "least": {"type": "integer", "minimum": 1}}},
            "HostName": {"type": "string", "pattern": "^[a-z0-9]([a-z0-9._-]{0,251}[a-z0-9])?$"},
            "Counts": {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}},
            "Span": {"type": "integer", "minimum": 1, "maximum": 604800, "description": "Seconds."},
            "RolloutRequest": {"type": "object", "required": ["version", "master", "selector"],
              "description": "At most 64 KiB. What is not said has the tracker's default.",
              "properties": {
                "version": {"$ref": "#/components/schemas/FleetVersion"},
                "master": {"$ref": "#/components/schemas/MasterName"},
                "selector": {"type": "string", "description": "Such as rack=r1|r2,role!=database; or all."},
                "canaries": {"type": "string", "description": "auto, a number, or names parted by commas."},
                "waves": {"type": "string", "description": "Such as 5%,25%,100% or 10,50,200x."},
                "autoPromote": {"type": "boolean"}, "approval": {"type": "boolean"},
                "slots": {"type": "integer", "minimum": 1, "maximum": 20000},
                "probing": {"type": "string", "enum": ["canaries", "every-host", "nobody"]},
                "onError": {"type": "string", "enum": ["pause", "rollback", "rollback-all"]},
                "stageRatePercent": {"type": "integer", "minimum": 1, "maximum": 100},
                "clearDenials": {"type": "boolean"},
                "canarySoakSeconds": {"$ref": "#/components/schemas/Span"},
                "waveSoakSeconds": {"$ref": "#/components/schemas/Span"},
                "silenceSeconds": {"$ref": "#/components/schemas/Span"},
                "activateSeconds": {"$ref": "#/components/schemas/Span"},
                "probeSeconds": {"$ref": "#/components/schemas/Span"},
                "stageProgressSeconds": {"$ref": "#/components/schemas/Span"},
                "retries": {"type": "integer", "minimum": 0, "maximum": 20},
                "windows": {"type": "string",
                  "description": "When hosts may be activated, in UTC: sat-sun 01:00-05:00,wed 22:00-02:00."},
                "reason": {"type": "string", "maxLength": 500}}},
            "RolloutPlan": {"type": "object",
              "required": ["version", "master", "selector", "waves", "aside", "bytesToMove", "problems"],
              "properties": {
                "version": {"$ref": "#/components/schemas/FleetVersion"},
                "rollout": {"type": "integer", "minimum": 1, "description": "Its number, once it is kept."},
                "master": {"$ref": "#/components/schemas/MasterName"}, "selector": {"type": "string"},
                "waves": {"type": "array", "description": "The canaries first.", "items": {
                  "type": "array", "items": {"$ref": "#/components/schemas/PlannedHost"}}},
                "aside": {"type": "array", "items": {"$ref": "#/components/schemas/PlannedHost"}},
                "bytesToMove": {"type": "integer", "minimum": 0},
                "prediction": {"type": "object", "required": ["staging", "earliest", "latest"],
                  "description": "Seconds.", "properties": {
                    "staging": {"type": "number"}, "earliest": {"type": "number"}, "latest": {"type": "number"}}},
                "problems": {"type": "array", "items": {"type": "string"}}}},
            "PlannedHost": {"type": "object", "required": ["name", "bytesToMove"], "properties": {
              "name": {"$ref": "#/components/schemas/HostName"}, "bytesToMove": {"type": "integer", "minimum": 0},
              "active": {"type": "integer", "minimum": 1}, "code": {"$ref": "#/components/schemas/Word"}}},
            "RolloutCommand": {"type": "object", "required": ["version", "command"], "properties": {
              "version": {"$ref": "#/components/schemas/FleetVersion"},
              "command": {"type": "string", "enum": ["start", "approve", "reject", "pause", "resume", "promote",
                "retry", "skip", "exclude", "rollback", "abort", "extend"]},
              "host": {"$ref": "#/components/schemas/HostName"},
              "seconds": {"$ref": "#/components/schemas/Span"},
              "reason": {"type": "string", "maxLength": 500}}},
            "RolloutStatus": {"type": "object",
              "required": ["version", "rollout", "master", "selector", "phase", "since", "wave", "waves", "hosts",
                "failures", "blocked", "clones", "sequence"],
              "properties": {
                "version": {"$ref": "#/components/schemas/FleetVersion"},
                "rollout": {"type": "integer", "minimum": 1},
                "master": {"$ref": "#/components/schemas/MasterName"}, "selector": {"type": "string"},
                "phase": {"$ref": "#/components/schemas/Word"}, "since": {"$ref": "#/components/schemas/Time"},
                "pause": {"type": "object", "required": ["code", "by", "since"], "properties": {
                  "code": {"$ref": "#/components/schemas/Word"}, "by": {"type": "string"},
                  "since": {"$ref": "#/components/schemas/Time"}, "explanation": {"type": "string"}}},
                "wave": {"type": "integer", "minimum": 0, "description": "Whose turn it is; 0 are the canaries."},
                "waves": {"type": "array", "items": {"type": "object", "required": ["number", "state", "hosts"],
                  "properties": {
                    "number": {"type": "integer", "minimum": 0}, "state": {"type": "string"},
                    "hosts": {"$ref": "#/components/schemas/Counts"}}}},
                "hosts": {"$ref": "#/components/schemas/Counts"},
                "failures": {"$ref": "#/components/schemas/Counts"},
                "blocked": {"$ref": "#/components/schemas/Counts"},
                "clones": {"$ref": "#/components/schemas/Counts"},
                "nextBy": {"$ref": "#/components/schemas/Time"},
                "sequence": {"type": "integer", "minimum": 0, "description": "Grows with each change."}}},
            "Event": {"type": "object", "required": ["event", "data"], "properties": {
              "event": {"type": "string", "enum": ["rollout", "hosts"]},
              "data": {"type": "string", "contentMediaType": "application/json", "contentSchema": {
                "anyOf": [{"$ref": "#/components/schemas/RolloutStatus"}, {"$ref": "#/components/schemas/Hosts"}]}}}},
            "Hosts": {"type": "object", "required": ["version", "known", "silent", "silentNames"], "properties": {
              "version": {"$ref": "#/components/schemas/FleetVersion"},
              "known": {"type": "integer", "minimum": 0},
              "silent": {"type": "integer", "minimum": 0, "description": "Hosts not heard of lately."},
              "silentNames": {"type": "array", "maxItems": 100, "items": {"type": "string"}}}},
            "RolloutPage": {"type": "object", "required": ["version", "rollouts"], "properties": {
              "version": {"$ref": "#/components/schemas/FleetVersion"},
              "rollouts": {"type": "array", "items": {"type": "object",
                "required": ["rollout", "master", "selector", "phase", "since"], "properties": {
                  "rollout": {"type": "integer", "minimum": 1},
                  "master": {"$ref": "#/components/schemas/MasterName"}, "selector": {"type": "string"},
                  "phase": {"$ref": "#/components/schemas/Word"}, "pause": {"$ref": "#/components/schemas/Word"},
                  "since": {"$ref": "#/components/schemas/Time"}}}},
              "next": {"type": "string"}}},
            "RolloutWhy": {"type": "object",
              "required": ["version", "rollout", "host", "wave", "state", "explanation", "attempt", "since", "holders"],
              "properties": {
                "version": {"$ref": "#/components/schemas/FleetVersion"},
                "rollout": {"type": "integer", "minimum": 1}, "host": {"$ref": "#/components/schemas/HostName"},
                "wave": {"type": "integer", "minimum": 0}, "state": {"$ref": "#/components/schemas/Word"},
                "explanation": {"type": "string"}, "code": {"$ref": "#/components/schemas/Word"},
                "attempt": {"type": "integer", "minimum": 0}, "since": {"$ref": "#/components/schemas/Time"},
                "until": {"$ref": "#/components/schemas/Time"},
                "holders": {"type": "array", "items": {"type": "string"}}, "log": {"type": "string"},
                "fetch": {"$ref": "#/components/schemas/HostFetch"}}}
        """#
}
