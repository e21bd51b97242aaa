package gateway

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"billingcentre/infra/local/sam"
)

// route is a route with the function behind it.
type route struct {
	sam.Route
	segments []string // "accounts", "{account}"
	invoker  Invoker
}

func routesOf(functions []sam.Function, invokers map[string]Invoker) ([]route, error) {
	var routes []route
	for _, f := range functions {
		if len(f.HTTP) > 0 && invokers[f.LogicalID] == nil {
			return nil, fmt.Errorf("gateway: nothing runs %s", f.LogicalID)
		}
		for _, r := range f.HTTP {
			routes = append(routes, route{r, strings.Split(r.Path, "/"), invokers[f.LogicalID]})
		}
	}
	// The more specific first: where one route has a name, another a parameter, the name wins.
	slices.SortStableFunc(routes, func(a, b route) int {
		return slices.CompareFunc(a.segments, b.segments, func(x, y string) int {
			switch {
			case isParameter(x) == isParameter(y):
				return strings.Compare(x, y)
			case isParameter(y):
				return -1
			default:
				return 1
			}
		})
	})
	return routes, nil
}

// find is the route of a method and an escaped path, and the path's parameters, decoded; nil for none.
func find(routes []route, method, path string) (*route, map[string]string) {
	segments := strings.Split(path, "/")
	for i := range routes {
		if routes[i].Method != method || len(routes[i].segments) != len(segments) {
			continue
		}
		if parameters, ok := routes[i].match(segments); ok {
			return &routes[i], parameters
		}
	}
	return nil, nil
}

func (r *route) match(segments []string) (map[string]string, bool) {
	parameters := map[string]string{}
	for i, want := range r.segments {
		if !isParameter(want) {
			if segments[i] != want {
				return nil, false
			}
			continue
		}
		value, err := url.PathUnescape(segments[i])
		// API Gateway decodes before it looks for a route: an encoded slash is a slash to it.
		if err != nil || value == "" || strings.Contains(value, "/") {
			return nil, false
		}
		parameters[strings.Trim(want, "{}")] = value
	}
	return parameters, true
}

func isParameter(segment string) bool { return strings.HasPrefix(segment, "{") }
