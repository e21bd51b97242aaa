package webhook_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"billingcentre/shared/refusal"
	"billingcentre/shared/webhook"
)

func TestURLsThatMayBePostedTo(t *testing.T) {
	for url, good := range map[string]bool{
		"https://hooks.example.com/billing":            true,
		"https://hooks.example.com":                    true,
		"https://hooks.example.com:443/a?b=c":          true,
		"https://hooks.example.com:8443/":              true,
		"https://xn--fiq228c.example/":                 true,
		"https://hooks.xn--fiqs8s/":                    true, // 中国 has digits in ASCII
		"https://hooks.example.0x7f/":                  false,
		"https://hooks.example.7/":                     false,
		"":                                             false,
		"http://hooks.example.com/":                    false,
		"ftp://hooks.example.com/":                     false,
		"https://":                                     false,
		"https:hooks.example.com":                      false,
		"//hooks.example.com/":                         false,
		"https://localhost/":                           false,
		"https://hooks/":                               false,
		"https://printer.local/":                       false,
		"https://db.internal./":                        false,
		"https://127.0.0.1/":                           false,
		"https://127.1/":                               false,
		"https://0x7f.0x1/":                            false,
		"https://2130706433/":                          false,
		"https://[::1]/":                               false,
		"https://[::ffff:169.254.169.254]/":            false,
		"https://8.8.8.8/":                             false,
		"https://user:pass@hooks.example.com/":         false,
		"https://hooks.example.com/#x":                 false,
		"https://hooks.example.com/ x":                 false,
		"https://hooks.example.com/\r\nX: y":           false,
		"https://hooks.example.com:22/":                false,
		"https://hooks.example.com:0443/":              false,
		"https://" + strings.Repeat("a.", 300) + "com": false,
		"https://ｈooks.example.com/":                   false,
	} {
		err := webhook.Public.Check("/url", url)
		if (err == nil) != good || err != nil && !refusal.Is(err, refusal.Invalid) {
			t.Errorf("%q: %v", url, err)
		}
	}
	if err := webhook.Anywhere.Check("/url", "http://127.0.0.1:9999/x"); err != nil {
		t.Error(err)
	}
}

// What a name leads to is checked when it is dialled, so it doesn't matter what it led to before (DNS rebinding), nor
// that a URL looked good. The guard is asked through the client itself, by addresses.
func TestOnlyPublicAddressesAreDialled(t *testing.T) {
	for _, host := range []string{
		"127.0.0.1", "127.8.9.10", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "169.254.170.2", "100.64.0.1",
		"100.127.255.255", "198.18.0.1", "192.0.0.170", "192.0.2.1", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
		"[::]", "[::1]", "[fe80::1]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]", "[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]", "[::127.0.0.1]",
		"[64:ff9b::7f00:1]", "[64:ff9b:1::1]", "[2002:7f00:1::]", "[2001::1]", "[2001:db8::1]", "[fec0::1]", "[100::1]",
	} {
		if err := dial(t, "https://"+host+"/"); !errors.Is(err, webhook.ErrForbidden) {
			t.Errorf("%s: %v", host, err)
		}
	}
	for _, address := range []string{"8.8.8.8:443", "[2606:4700::1111]:443", "192.0.1.1:443", "172.32.0.1:443", "100.63.0.1:443"} {
		if err := webhook.MayDial(address); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func dial(t *testing.T, url string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	response, err := webhook.Public.Client().Do(request)
	if err == nil {
		_ = response.Body.Close()
	}
	return err
}

// localhost is a name that resolves to this machine: what a rebinding name does on its second answer.
func TestANameThatLeadsHereIsNotDialled(t *testing.T) {
	if err := dial(t, "https://localhost/"); !errors.Is(err, webhook.ErrForbidden) {
		t.Errorf("%v", err)
	}
}
