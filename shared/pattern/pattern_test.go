package pattern

import "testing"

func TestAnExpressionIsCompiledOnceWhenItIsUsed(t *testing.T) {
	Of("(") // not compiled, or it would panic
	digits := Of(`^\d+$`)
	if !digits().MatchString("123") || digits().MatchString("x") {
		t.Error("it doesn't match what it should")
	}
	if first := digits(); digits() != first {
		t.Error("it was compiled twice")
	}
}
