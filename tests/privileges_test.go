package tests

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// A host gives up its capabilities after its first call. The library then writes only where the host itself may write.
func TestPrivileges_GivenUpAfterTheFirstCall(t *testing.T) {
	needRoot(t)
	s := newScene(t)
	open, closed := filepath.Join(s.dir, "open"), filepath.Join(s.dir, "closed")
	check(t, os.Mkdir(open, 0o700))
	check(t, os.Mkdir(closed, 0o500)) // root's own, which only CAP_DAC_OVERRIDE writes to
	out := succeed(t, 30*time.Second, exec.Command(program(t, "privileges"), "process", open, closed))
	var with, without, back int
	if _, err := fmt.Sscan(string(out), &with, &without, &back); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if with != buffered || without >= 0 || back != buffered {
		t.Errorf("with capabilities %d, without %d, where the host may write %d", with, without, back)
	}
	if files := profilesIn(t, closed); len(files) != 1 {
		t.Errorf("%d files where the host may not write", len(files))
	}
}

// One thread of a host gives up its capabilities and sends. Another one may still change the user and groups of all threads,
// the library's too: libc would end the process.
func TestPrivileges_GivenUpByOneThread(t *testing.T) {
	needRoot(t)
	s := newScene(t)
	out := succeed(t, 30*time.Second, exec.Command(program(t, "privileges"), "thread", s.dir))
	if out != fmt.Sprintln(buffered) {
		t.Errorf("the thread's send: %s", out)
	}
}

func profilesIn(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "profile_*.json"))
	check(t, err)
	return names
}
