package main

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"billingcentre/infra/local/build"
	"billingcentre/infra/local/checkout"
	"billingcentre/infra/local/sam"
)

const starts = 15

// coldStarts measures how long each function needs from the start of its process to its first request for an event (its
// init), in turn with the smallest function there is, and with the smallest that has a client of DynamoDB; and how large its
// package is. A function asks before it has its secrets, so what they cost is in the time to its first answer only: that is
// told of functions whose event can be a request of HTTP that needs nothing else.
func coldStarts(ctx context.Context) error {
	root, err := checkout.Root()
	if err != nil {
		return err
	}
	binaries, err := build.Functions(ctx, build.Options{Root: root})
	if err != nil {
		return err
	}
	hello, err := compiled(ctx, root, "hello")
	if err != nil {
		return err
	}
	client, err := compiled(ctx, root, "client")
	if err != nil {
		return err
	}
	known, err := someSecrets(root)
	if err != nil {
		return err
	}
	manager := httptest.NewServer(known)
	defer manager.Close()
	functions, err := fromTemplate(root, manager.URL)
	if err != nil {
		return err
	}
	fmt.Printf("\nSecrets Manager answers after %v.\n\n", *lag)
	fmt.Printf("| function | package MB (%s) | init ms | hello world ms | ratio | with a client ms | ratio | first answer ms | hello world ms |\n", runtime.GOARCH)
	fmt.Println("|---|---|---|---|---|---|---|---|---|")
	for _, f := range functions {
		binary := binaries[f.Name()]
		size, err := packed(binary)
		if err != nil {
			return err
		}
		took, err := inTurn(ctx, f, binary, hello, client)
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name(), err)
		}
		own, least, most := took[0], took[1], took[2]
		fmt.Printf("| %s | %.1f | %.1f | %.1f | %.2f | %.1f | %.2f | %s |\n", f.Name(), float64(size)/1e6,
			own.asked, least.asked, own.asked/least.asked, most.asked, own.asked/most.asked, answers(own, least))
	}
	return nil
}

// answers are the last columns of a row.
func answers(own, least medians) string {
	if own.answered == 0 {
		return "– | –"
	}
	return fmt.Sprintf("%.1f | %.1f", own.answered, least.answered)
}

// compiled builds one of the functions beside this command.
func compiled(ctx context.Context, root, name string) (string, error) {
	binary := filepath.Join(root, ".build", "bench", name)
	cmd := exec.CommandContext(ctx, "go", "build", "-tags", "lambda.norpc", "-trimpath", "-ldflags", "-s -w", "-o", binary, "./infra/bench/"+name)
	cmd.Dir, cmd.Env, cmd.Stderr = root, append(os.Environ(), "CGO_ENABLED=0"), os.Stderr
	return binary, cmd.Run()
}

// packed is the size of a binary as the zip that is deployed.
func packed(binary string) (int64, error) {
	file, err := os.Open(binary)
	if err != nil {
		return 0, err
	}
	defer file.Close() //nolint:errcheck // it was only read
	var size counter
	z := zip.NewWriter(&size)
	entry, err := z.Create("bootstrap")
	if err != nil {
		return 0, err
	}
	if _, err := io.Copy(entry, file); err != nil {
		return 0, err
	}
	return int64(size), z.Close()
}

type counter int64

func (c *counter) Write(b []byte) (int, error) { *c += counter(len(b)); return len(b), nil }

// medians are those of births, in milliseconds.
type medians struct{ asked, answered float64 }

// inTurn starts each of several binaries, in turn, in a function's environment.
func inTurn(ctx context.Context, f sam.Function, binaries ...string) ([]medians, error) {
	event := ""
	if len(f.HTTP) > 0 {
		event = "{}" // a request without a route, which is answered by 404
	}
	asked, answered := make([][]float64, len(binaries)), make([][]float64, len(binaries))
	for range starts {
		for i, binary := range binaries {
			b, err := bear(ctx, binary, f.Env, event)
			if err != nil {
				return nil, err
			}
			asked[i], answered[i] = append(asked[i], ms(b.asked)), append(answered[i], ms(b.answered))
		}
	}
	took := make([]medians, len(binaries))
	for i := range took {
		took[i] = medians{median(asked[i]), median(answered[i])}
	}
	return took, nil
}

// fromTemplate are the functions with the environment that template.yaml gives them, and what makes the SDK find secrets
// at an address.
func fromTemplate(root, secrets string) ([]sam.Function, error) {
	template, err := sam.Read(filepath.Join(root, "template.yaml"))
	if err != nil {
		return nil, err
	}
	deployment, err := template.Resolve(sam.Local{Parameters: map[string]string{
		"JwtIssuer": "https://issuer.example.com", "JwtAudience": "billing-centre",
		"AlipayMode": "sandbox", "AlipaySecretArn": secretARN + "alipay", "AlipayNotifyUrl": "https://api.example.com/v1/payments/alipay/notices",
		"MailFrom": "billing@example.com", "MailIdentity": "example.com",
		"MarketplaceSecretArn": secretARN + "marketplaces",
		"CloudMarketplaces": `{"aws":{"product":"bench","dimensions":{"USD":"usd_cents"}},"alibaba":{"dimensions":{"CNY":"Unit"}},` +
			`"huawei":{"dimensions":{"CNY":"fen"}}}`,
	}, Values: map[string]string{"CentreSecret": secretARN + "centre"}})
	if err != nil {
		return nil, err
	}
	functions := deployment.Functions
	slices.SortFunc(functions, func(a, b sam.Function) int { return strings.Compare(a.Name(), b.Name()) })
	for _, f := range functions {
		maps.Copy(f.Env, map[string]string{
			"AWS_LAMBDA_FUNCTION_NAME": f.Name(), "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
			"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench",
			"AWS_ENDPOINT_URL_SECRETS_MANAGER": secrets,
		})
	}
	return functions, nil
}
