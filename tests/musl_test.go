//go:build on_musl

package tests

import (
	"os/exec"
	"strings"
	"testing"
	"time"
)

// Musl cannot load the library into a running process, because Go's thread-local storage is reserved when the process
// starts. It refuses with an error, and the process continues.
func TestMusl_RefusesToLoadItLater(t *testing.T) {
	s := newScene(t)
	o := run(t, 10*time.Second, exec.Command(program(t, "load"), build+"/libtransmit.so", s.settings(nil)))
	if o.state.ExitCode() != 1 || !strings.Contains(o.errors, "initial-exec TLS") {
		t.Errorf("%v %s%s: README can promise more", o.state, o.out, o.errors)
	}
}
