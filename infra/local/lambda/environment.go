package lambda

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"

	"billingcentre/infra/local/uuid"
)

// account is the AWS account number that local ARNs bear.
const account = "000000000000"

// environment is what a function sees: what Lambda sets, and its own variables. Nothing is inherited from the host, or
// a function would work here and fail there.
func environment(c *Config, runtimeAPI string) []string {
	env := map[string]string{
		"AWS_REGION":         c.Region,
		"AWS_DEFAULT_REGION": c.Region,
		"LANG":               "en_US.UTF-8",
		"PATH":               "/usr/local/bin:/usr/bin:/bin:/opt/bin",
		"TZ":                 ":UTC",
	}
	maps.Copy(env, c.Env)
	maps.Copy(env, map[string]string{ // reserved
		"AWS_EXECUTION_ENV":               "AWS_Lambda_provided.al2023",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(c.MemoryMB),
		"AWS_LAMBDA_FUNCTION_NAME":        c.Name,
		"AWS_LAMBDA_FUNCTION_VERSION":     "$LATEST",
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME":       "/aws/lambda/" + c.Name,
		"AWS_LAMBDA_LOG_STREAM_NAME":      c.Now().UTC().Format("2006/01/02") + "/[$LATEST]" + uuid.New(),
		"AWS_LAMBDA_RUNTIME_API":          runtimeAPI,
		"LAMBDA_TASK_ROOT":                filepath.Dir(c.Binary),
		"_HANDLER":                        filepath.Base(c.Binary),
	})
	list := make([]string, 0, len(env))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		list = append(list, name+"="+env[name])
	}
	return list
}

func arn(c *Config) string {
	return fmt.Sprintf("arn:aws:lambda:%s:%s:function:%s", c.Region, account, c.Name)
}
