package build

import "runtime"

// The functions run on this machine.
const (
	goos   = runtime.GOOS
	goarch = runtime.GOARCH
)

// suffix is what go build puts behind a binary's name.
var suffix = map[bool]string{true: ".exe"}[goos == "windows"]
