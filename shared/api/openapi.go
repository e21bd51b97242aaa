package api

import _ "embed"

// OpenAPI is openapi.yaml: every route, as a client may rely on it. Package contract holds answers against it. A
// function doesn't use it, and so isn't the larger for it.
//
//go:embed openapi.yaml
var OpenAPI []byte
