package alipay

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"syscall"
	"testing"
	"time"
)

// budget is the processor's time that a notice may cost, true or forged.
const budget = 200 * time.Microsecond

// BenchmarkVerifyNotice is the cost of one true notice, from the body to the fact.
func BenchmarkVerifyNotice(b *testing.B) {
	c := testChannel(b)
	d := deliver(form(alipayKey(), paidFields()))
	withinBudget(b, func() {
		if _, err := c.VerifyNotice(d); err != nil {
			b.Fatal(err)
		}
	})
}

// BenchmarkForgedNotice is the cost of one with a bad signature, while two keys are pinned.
func BenchmarkForgedNotice(b *testing.B) {
	c := testChannel(b, func(c *Config) { c.Secret.NextKey = publicPEM(nextKey()) })
	d := deliver(form(oldKey(), paidFields()))
	withinBudget(b, func() {
		if _, err := c.VerifyNotice(d); err == nil {
			b.Fatal("accepted")
		}
	})
}

// withinBudget measures the processor's time, which other programs on the machine don't change much, and how many bare
// checks of an RSA signature that is. It fails above the budget.
func withinBudget(b *testing.B, verify func()) {
	b.ReportAllocs()
	start, runs := processor(b), 0
	for b.Loop() {
		verify()
		runs++
	}
	each := (processor(b) - start) / time.Duration(runs)
	b.ReportMetric(float64(each.Nanoseconds())/1000, "cpu-µs/op")
	b.ReportMetric(float64(each)/float64(bareCheck(b)), "rsa-checks/op")
	if each > budget && runs > 100 {
		b.Errorf("a notice takes %v of the processor, more than %v", each, budget)
	}
}

// bareCheck is what one check of a signature takes, and nothing else.
func bareCheck(b *testing.B) time.Duration {
	b.Helper()
	sum := sha256.Sum256([]byte("x"))
	signed, err := rsa.SignPKCS1v15(nil, alipayKey(), crypto.SHA256, sum[:])
	if err != nil {
		b.Fatal(err)
	}
	const runs = 1000
	start := processor(b)
	for range runs {
		if err := rsa.VerifyPKCS1v15(&alipayKey().PublicKey, crypto.SHA256, sum[:], signed); err != nil {
			b.Fatal(err)
		}
	}
	return (processor(b) - start) / runs
}

// processor is the time that this process has had of the processor.
func processor(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
