package gateway

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"billingcentre/infra/local/sam"
)

// preflight answers a browser's question whether it may ask, on any path, before any check: 204, and without the
// headers that allow when the origin isn't one of ours.
func preflight(w http.ResponseWriter, r *http.Request, cors *sam.CORS) bool {
	if r.Method != http.MethodOptions || r.Header.Get("Origin") == "" || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	if allowOrigin(w, r, cors) {
		w.Header().Set("Access-Control-Allow-Methods", strings.Join(cors.Methods, ","))
		w.Header().Set("Access-Control-Allow-Headers", strings.Join(cors.Headers, ","))
		w.Header().Set("Access-Control-Max-Age", strconv.Itoa(int(cors.MaxAge.Seconds())))
	}
	w.WriteHeader(http.StatusNoContent)
	return true
}

// allowOrigin lets a page of a known origin read the answer.
func allowOrigin(w http.ResponseWriter, r *http.Request, cors *sam.CORS) bool {
	origin := r.Header.Get("Origin")
	w.Header().Add("Vary", "Origin")
	if origin == "" || !slices.Contains(cors.Origins, origin) {
		return false
	}
	w.Header().Set("Access-Control-Allow-Origin", origin)
	if len(cors.ExposeHeaders) > 0 {
		w.Header().Set("Access-Control-Expose-Headers", strings.Join(cors.ExposeHeaders, ","))
	}
	if cors.Credentials {
		w.Header().Set("Access-Control-Allow-Credentials", "true")
	}
	return true
}
