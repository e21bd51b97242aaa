package clock

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestAClockOnlyGoesForward(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clock")
	now := Of(file)
	for _, step := range []struct {
		by    time.Duration
		ahead time.Duration
		fails bool
	}{
		{24 * time.Hour, 24 * time.Hour, false},
		{0, 24 * time.Hour, true},
		{-time.Hour, 24 * time.Hour, true},
		{720 * time.Hour, 744 * time.Hour, false},
	} {
		if err := Forward(file, step.by); (err != nil) != step.fails {
			t.Errorf("forward by %s: %v", step.by, err)
		}
		before, got, after := time.Now(), now(), time.Now()
		if got.Before(before.Add(step.ahead)) || got.After(after.Add(step.ahead)) {
			t.Errorf("after %s: %s, %s ahead", step.by, got, got.Sub(before))
		}
	}
}

func TestADamagedClockStops(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clock")
	if err := os.WriteFile(file, []byte("soon"), 0o600); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if recover() == nil {
			t.Error("it tells a time")
		}
	}()
	Of(file)()
}
