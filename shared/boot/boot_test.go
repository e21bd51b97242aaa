package boot

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/wallet"
)

func TestThePolicyIsTheREADMEsButForWhatTheTemplateSays(t *testing.T) {
	t.Setenv("POLICY", "")
	if diff := cmp.Diff(wallet.DefaultPolicy(), Start().policy()); diff != "" {
		t.Error(diff)
	}
	t.Setenv("POLICY", `{"grace":"0s","restricted":["sms"],"gifts":[{"from":500,"gift":50}]}`)
	want := wallet.DefaultPolicy()
	want.Grace, want.Restricted, want.Gifts = 0*time.Second, []string{"sms"}, []wallet.Gift{{From: 500, Gift: 50}}
	if diff := cmp.Diff(want, Start().policy()); diff != "" {
		t.Error(diff)
	}
}
