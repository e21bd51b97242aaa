package console

import (
	"strings"
	"testing"
	"time"
)

func at(c *Console, seconds float64) {
	c.now = func() time.Time { return time.Unix(0, int64(seconds*1e9)) }
}

func TestALogHasNoLineThatMoves(t *testing.T) {
	var out strings.Builder
	c := New(&out, false)
	at(c, 0)
	build := c.Step("build")
	at(c, 1)
	build.Progress("3 packages")
	c.Say("by the way")
	at(c, 11)
	build.Progress("30 packages")
	build.Progress("31 packages")
	build.Done("2 functions")
	quick := c.Step("quick")
	quick.Failed()
	want := "by the way\n  build        30 packages ...\n  build        2 functions (11.0 s)\n  quick        failed\n"
	if out.String() != want {
		t.Errorf("%q\nwant %q", out.String(), want)
	}
}

func TestATerminalShowsWhatIsUnderWayBelow(t *testing.T) {
	var out strings.Builder
	c := New(&out, true)
	at(c, 0)
	build := c.Step("build")
	database := c.Step("database")
	build.Progress("3 packages")
	database.Done("up")
	build.Done("2 functions")
	want := "  build ..." + clearLine + "  build · database ..." + clearLine + "  build 3 packages · database ..." +
		clearLine + "  database     up\n" + "  build 3 packages ..." + clearLine + "  build        2 functions\n"
	if out.String() != want {
		t.Errorf("%q\nwant %q", out.String(), want)
	}
}

func TestNoConsoleSaysNothing(t *testing.T) {
	var c *Console
	s := c.Step("a")
	s.Progress("b")
	s.Done("c")
	s.Failed()
	c.Say("d")
}
