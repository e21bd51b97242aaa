// Package house is the test that walks the house: what template.yaml deploys, what functions/ holds, what openapi.yaml
// promises, what events/ tests and what the README tells must be one and the same, and dependencies must point one way.
//
//	house_test.go   every function: its files, its block in the template, its events, its line in the README
//	routes_test.go  routes and scopes: template = handlers = openapi.yaml
//	arrows_test.go  who may import whom, each rule with its reason
//	table_test.go   every parameter and alarm: its line in the README
//	rules_test.go   rules of money that code and tests name by number: they are in the README
//
// Nothing imports it.
package house
