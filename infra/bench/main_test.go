package main

import "testing"

func TestWhatIsAskedForIsMeasured(t *testing.T) {
	for _, only := range []string{"", "hot", "lone, cold", "prototypes", "hot, batch 25"} {
		if err := asked(only, nil); err != nil {
			t.Error(err)
		}
	}
	if asked("warm", nil) == nil || asked("", []string{"hot"}) == nil {
		t.Error("what is no case, or no flag, is taken")
	}
}
