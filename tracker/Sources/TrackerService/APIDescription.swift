// SPDX-License-Identifier: Apache-2.0

package import OperatorAccess

/// The API in the words of OpenAPI 3.1, as `GET /api/v1/openapi.json` hands it out. It is written by hand, so that what is
/// promised changes only when somebody means it; a test holds it against the route table.
package struct APIDescription {
    /// Whether the catalogue is open to all.
    private let access: TrackerAccess
    private let hasFleet: Bool
    private let hasAuthority: Bool

    /// What a tracker does: what it does not is not described.
    package init(access: TrackerAccess = .fleet, hasFleet: Bool = true, hasAuthority: Bool = true) {
        self.access = access
        self.hasFleet = hasFleet
        self.hasAuthority = hasAuthority
    }

    private var paths: [String] {
        [Self.health, metrics, document, catalogue, signed, Self.operators]
            + (hasAuthority ? [Self.certificates] : []) + (hasFleet ? [Self.roster, Self.rollouts, Self.hosts] : [])
    }

    private var schemas: [String] {
        [
            Self.catalogueSchemas, Self.operatorSchemas, Self.certificateSchemas, Self.rosterSchemas,
            Self.rolloutSchemas, Self.hostSchemas,
        ]
    }

    /// The security of what is open to all at an open tracker, and else to some.
    func security(_ schemes: String...) -> String {
        "[\((schemes + (access == .open ? ["{}"] : [])).joined(separator: ", "))]"
    }

    /// All of it, as JSON.
    package var json: String {
        #"""
        {"openapi": "3.1.0",
        "info": {
          "title": "Drover tracker", "version": "1",
          "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
          "summary": "Masters of virtual machines, who may publish them, and how they get onto a fleet.",
          "description": "Operators send a token, hosts of a fleet show their certificate. A tracker that is not for a \#
        fleet lets anybody read and publish masters and read this. Lists are read page by page: ask again with \#
        'after' (rollouts: 'before') and the 'next' of the page before. A request may have a name of its own, \#
        X-Request-Id, which comes back with the answer and stands in the audit trail. Fields are only ever added. \#
        Every change can be asked for again when its answer was lost: PUT, DELETE, reports and certificates change \#
        nothing a second time, and each says what it answers then; the others take an Idempotency-Key."
        },
        "servers": [{"url": "/"}],
        "paths": {
        \#(paths.joined(separator: ",\n"))
        },
        "components": {
          "securitySchemes": {
            "token": {"type": "http", "scheme": "bearer", "description": "An operator's token, drv_…"},
            "hostCertificate": {"type": "mutualTLS", "description": "The certificate of an enrolled host."}
          },
          "parameters": {
            "line": {"name": "name", "in": "path", "required": true, "description": "A line of masters.",
              "schema": {"$ref": "#/components/schemas/Line"}},
            "version": {"name": "version", "in": "path", "required": true,
              "schema": {"type": "integer", "format": "int64", "minimum": 1, "maximum": 9223372036854775807}},
            "rollout": {"name": "number", "in": "path", "required": true,
              "schema": {"type": "integer", "format": "int64", "minimum": 0, "maximum": 9223372036854775807}},
            "limit": {"name": "limit", "in": "query", "description": "How long a page may be.",
              "schema": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}},
            "requestKey": {"name": "Idempotency-Key", "in": "header",
              "description": "Names the request, among those of the same requester: the same one again changes nothing more.",
              "schema": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]+$"}}
          },
          "responses": {
        \#(Self.problems.map { Self.response($0.key, $0.value) }.joined(separator: ",\n"))
          },
          "schemas": {
            "Problem": {"type": "object", "required": ["status", "code", "detail"],
              "description": "RFC 9457; the codes are those of docs/operating/reason-codes.md.",
              "properties": {
                "status": {"type": "integer", "minimum": 400, "maximum": 599},
                "code": {"$ref": "#/components/schemas/Word"},
                "detail": {"type": "string", "description": "What happened and what to do."}}},
            "Word": {"type": "string", "pattern": "^[a-z0-9-]{1,63}$"},
            "Line": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"},
            "MasterName": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}@[1-9][0-9]*$"},
            "Time": {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z$"},
        \#(schemas.joined(separator: ",\n"))
          }
        }}
        """#
    }

    /// The answers that are no success, each with when it is given.
    private static let problems: KeyValuePairs<Int, String> = [
        400: "The path, the query or a header cannot be read.",
        401: "Nobody is known by the credentials, or there are none.",
        403: "The credentials do not allow this.",
        404: "There is no such thing.",
        409: "It does not fit what is there.",
        413: "The body is too long.",
        422: "The body is not what belongs there.",
        429: "Too many bad tokens came from this address; Retry-After says when to come back.",
        500: "The tracker is at fault, or its database.",
        503: "There is too much to do at the moment.",
        507: "There is no room for it.",
    ]

    private static func response(_ status: Int, _ description: String) -> String {
        #"""
            "\#(status)": {"description": "\#(description)",
              "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}
        """#
    }

    /// The refusals that an operation may answer with. Every route may fail or be too busy, and whoever tries many tokens
    /// where one is wanted has to wait.
    static func refusals(_ statuses: Int...) -> String {
        (statuses + (statuses.contains(401) ? [429] : []) + [500, 503]).map {
            ##""\##($0)": {"$ref": "#/components/responses/\##($0)"}"##
        }
        .joined(separator: ", ")
    }

    /// An answer of one schema.
    static func answer(_ schema: String, _ description: String) -> String {
        #"""
        {"description": "\#(description)",
              "content": {"application/json": {"schema": {"$ref": "#/components/schemas/\#(schema)"}}}}
        """#
    }

    /// A body of one schema.
    static func body(_ schema: String) -> String {
        #"""
        {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/\#(schema)"}}}}
        """#
    }

    static func parameters(_ names: String...) -> String {
        names.map { ##"{"$ref": "#/components/parameters/\##($0)"}"## }.joined(separator: ", ")
    }

    static let health = #"""
        "/healthz": {
          "get": {"operationId": "health", "summary": "Whether the tracker works.", "security": [],
            "responses": {"200": \#(answer("Health", "It does.")), \#(refusals())}}}
        """#

    private var metrics: String {
        #"""
            "/metrics": {
              "get": {"operationId": "metrics", "summary": "The tracker and the fleet in numbers, for Prometheus.",
                "security": \#(security(#"{"token": ["view"]}"#)),
                "responses": {
                  "200": {"description": "Prometheus' text format.", "content": {"text/plain": {"schema": {
                    "type": "string"}}}},
                  \#(Self.refusals(401, 403))}}}
        """#
    }

    private var document: String {
        #"""
            "/api/v1/openapi.json": {
              "get": {"operationId": "description", "summary": "This document.",
                "security": \#(security(#"{"token": ["view"]}"#)),
                "responses": {
                  "200": {"description": "OpenAPI 3.1.", "content": {"application/json": {"schema": {
                    "type": "object"}}}},
                  \#(Self.refusals(401, 403))}}}
        """#
    }
}
