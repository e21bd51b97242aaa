package stack

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"

	"billingcentre/infra/local/build"
	"billingcentre/infra/local/lambda"
	"billingcentre/infra/local/sam"
)

// build compiles the functions, as they are deployed.
func (s *Stack) build(ctx context.Context) (map[string]string, error) {
	step := s.console.Step("build")
	defer step.Failed() // unless it is done
	binaries, err := build.Functions(ctx, build.Options{Root: s.options.Root, Progress: func(p build.Progress) {
		step.Progress("%d packages, %s", p.Done, p.What)
	}})
	if err != nil {
		return nil, err
	}
	step.Done("%d functions, as for Lambda", len(binaries))
	return binaries, nil
}

func (s *Stack) startFunctions(binaries map[string]string) error {
	for _, f := range s.Deployment.Functions {
		binary := binaries[filepath.Base(f.Folder)]
		if binary == "" {
			return fmt.Errorf("%s: there is no main.go in %s", f.LogicalID, f.Folder)
		}
		function := lambda.New(lambda.Config{
			Name: f.Name(), Binary: binary, Env: s.environment(f), Timeout: f.Timeout, MemoryMB: f.MemoryMB, Region: region,
			Logs: s.logs.function(f.Name()),
		})
		s.functions[f.LogicalID] = function
		s.onClose("the function "+f.Name(), function.Close)
	}
	return nil
}

// environment is a function's own from the template, and what makes AWS's SDK find this machine instead of AWS.
func (s *Stack) environment(f sam.Function) map[string]string {
	env := map[string]string{
		"AWS_ENDPOINT_URL_SESV2": url(s.listeners.mailbox),

		"AWS_ACCESS_KEY_ID":                     "local",
		"AWS_SECRET_ACCESS_KEY":                 "local",
		"AWS_SESSION_TOKEN":                     "local",
		"AWS_ENDPOINT_URL_DYNAMODB":             s.database.Endpoint,
		"AWS_ENDPOINT_URL_SQS":                  url(s.listeners.aws),
		"AWS_ENDPOINT_URL_SECRETS_MANAGER":      url(s.listeners.aws),
		"AWS_ENDPOINT_URL_MARKETPLACE_METERING": url(s.listeners.aws),
		"AWS_ENDPOINT_URL_EVENTBRIDGE":          url(s.listeners.aws),
		"AWS_ENDPOINT_URL_S3":                   url(s.listeners.aws),
		"ALIPAY_GATEWAY_URL":                    url(s.listeners.alipay) + "/gateway.do",
		"CLOCK_FILE":                            s.data(clockFile),
	}
	maps.Copy(env, f.Env)
	return env
}
