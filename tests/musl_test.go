//go:build on_musl

package tests

import (
	"os/exec"
	"strings"
	"testing"
	"time"
)

// What musl does not allow, as README says: Go's place in every thread's memory is
// taken when the process starts. It is refused with a word, and harmless.
func TestMusl_RefusesToLoadItLater(t *testing.T) {
	s := newScene(t)
	o := run(t, 10*time.Second, exec.Command(program(t, "load"), build+"/libtransmit.so", s.settings(nil)))
	if o.state.ExitCode() != 1 || !strings.Contains(o.errors, "initial-exec TLS") {
		t.Errorf("%v %s%s: README can promise more", o.state, o.out, o.errors)
	}
}
