package e2e

import (
	"testing"

	"billingcentre/shared/charge"
	"billingcentre/shared/wallet"
)

// The way of README rule 20, cloud by cloud: what a bill leaves to the cloud account is metered at its marketplace,
// once, though the function runs again.
func TestCloudChargesReachTheirMarketplaces(t *testing.T) {
	s := running(t)
	t.Parallel()
	a := open(t, "clouds", "CNY")
	customers := map[string]string{"aws": "123456789012", "alibaba": "instance-1", "huawei": "7f141bf1-aec8-4859-8323-fb3a8ad50721"}
	for provider, customer := range customers {
		workspace := "clouds-" + provider
		a.post(a.operator, a.path("/cloud-links"), "", map[string]string{"provider": provider, "customer": customer}, nil)
		a.post(a.operator, a.path("/workspaces"), "", map[string]any{
			"workspace_id": workspace, "from": from, "settlement_method": "cloud", "cloud": map[string]string{"provider": provider, "customer": customer},
		}, nil)
		a.send(a.bill("clouds-bill-"+provider, workspace, "logs", "9.40"))
	}
	for provider := range customers {
		a.settled(wallet.BillID("clouds-bill-" + provider))
	}
	for provider, customer := range customers {
		await(t, "the charge of "+provider+" is accepted", func() (bool, error) {
			if _, err := s.Invoke(t.Context(), "CloudChargesFunction", []byte(`{"duty":"cloud-charges"}`)); err != nil {
				return false, err
			}
			var told charge.Told
			err := a.owner.Get(t.Context(), a.path("/cloud-charges/clouds-bill-"+provider), &told)
			return told.Status == charge.Accepted, err
		})
		metered := 0
		for _, m := range s.Marketplaces.Accepted() {
			if m.Provider == provider && m.Customer == customer {
				metered++
				if m.Quantity != 940 {
					t.Errorf("%s was told %d fen, want 940", provider, m.Quantity)
				}
			}
		}
		if metered != 1 {
			t.Errorf("%s was told %d times", provider, metered)
		}
	}
}
