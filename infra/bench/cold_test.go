package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"billingcentre/infra/local/build"
	"billingcentre/infra/local/checkout"
)

// The table of cold starts ends with the first function that can't start: each has the template's own environment.
func TestColdStartsAreOfEveryFunctionInTheTemplatesEnvironment(t *testing.T) {
	root, err := checkout.Root()
	if err != nil {
		t.Fatal(err)
	}
	want, err := build.Names(root)
	if err != nil {
		t.Fatal(err)
	}
	functions, err := fromTemplate(root, "http://secrets.example.com")
	if err != nil {
		t.Fatal(err)
	}
	known, err := someSecrets(root)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range functions {
		got = append(got, f.Name())
		if f.Env["TABLE_NAME"] == "" || f.Env["AWS_ENDPOINT_URL_SECRETS_MANAGER"] == "" {
			t.Errorf("%s lacks variables: %v", f.Name(), f.Env)
		}
		for variable, value := range f.Env {
			if strings.HasSuffix(variable, "SECRET_ARN") && known[value] == "" {
				t.Errorf("%s: nobody knows the secret %s of %s", f.Name(), value, variable)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("functions (-folders +table):\n%s", diff)
	}
}

func TestABirthLastsToTheAnswer(t *testing.T) {
	root, err := checkout.Root()
	if err != nil {
		t.Fatal(err)
	}
	hello, err := compiled(t.Context(), root, "hello")
	if err != nil {
		t.Fatal(err)
	}
	b, err := bear(t.Context(), hello, nil, "{}")
	if err != nil || b.asked <= 0 || b.answered <= b.asked {
		t.Errorf("with an event: %+v, %v", b, err)
	}
	b, err = bear(t.Context(), hello, nil, "")
	if err != nil || b.asked <= 0 || b.answered != 0 {
		t.Errorf("without: %+v, %v", b, err)
	}
	if b, err = bear(t.Context(), "/bin/false", nil, "{}"); err == nil {
		t.Errorf("a function that ends: %+v", b)
	}
}
