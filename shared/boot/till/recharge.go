package till

import (
	"os"
	"strings"

	"github.com/go-json-experiment/json"

	"billingcentre/shared/boot"
	"billingcentre/shared/recharge"
)

// Recharges is the desk that takes top-ups, with the limits of RECHARGE_LIMITS (a JSON object; the defaults where it says
// nothing) and the pages of RETURN_URLS (separated by commas) that a payer may be sent back to.
func Recharges(b *boot.Boot, desk recharge.Desk) *recharge.Desk {
	if text := os.Getenv("RECHARGE_LIMITS"); text != "" {
		if err := json.Unmarshal([]byte(text), &desk.Limits, json.RejectUnknownMembers(true)); err != nil {
			b.Fail("RECHARGE_LIMITS are no limits", "error", err.Error())
		}
	}
	for url := range strings.SplitSeq(os.Getenv("RETURN_URLS"), ",") {
		if url = strings.TrimSpace(url); url != "" {
			desk.ReturnURLs = append(desk.ReturnURLs, url)
		}
	}
	return &desk
}
