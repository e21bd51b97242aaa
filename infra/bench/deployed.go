package main

import (
	"fmt"
	"os"
	"runtime/debug"
	"strconv"

	"billingcentre/infra/local/checkout"
)

// asDeployed has this process collect its garbage as the template has the function do it: that is part of what a bill costs.
func asDeployed() error {
	env, err := settlementsEnv()
	if err != nil {
		return err
	}
	percent, err := strconv.Atoi(env["GOGC"])
	if err != nil {
		return fmt.Errorf("the template's GOGC: %w", err)
	}
	debug.SetGCPercent(percent)
	return nil
}

// environ is this process's environment, with what the template has for bill-settlement.
func environ() ([]string, error) {
	all := os.Environ()
	env, err := settlementsEnv()
	for name, value := range env {
		all = append(all, name+"="+value)
	}
	return all, err
}

// settlementsEnv is what the template has in bill-settlement's environment.
func settlementsEnv() (map[string]string, error) {
	root, err := checkout.Root()
	if err != nil {
		return nil, err
	}
	functions, err := fromTemplate(root, "")
	if err != nil {
		return nil, err
	}
	for _, f := range functions {
		if f.Name() == "bill-settlement" {
			return f.Env, nil
		}
	}
	return nil, fmt.Errorf("the template has no function bill-settlement")
}
