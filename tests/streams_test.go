package tests

import (
	"os/exec"
	"testing"
	"time"
)

// The library does not start Go's network poller, whatever the host's standard streams are. With it, a host that closes
// all its descriptors would be aborted.
func TestStreams_ThatDoNotBlock(t *testing.T) {
	s := newScene(t)
	if out := succeed(t, 30*time.Second, exec.Command(program(t, "streams"), s.settings(nil))); out != "" {
		t.Error(out)
	}
	if got := len(s.profiles(t)); got != 3*6*3 {
		t.Errorf("%d profiles, want %d", got, 3*6*3)
	}
}
