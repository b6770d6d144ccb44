package buffer

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// A test that needs another process runs this binary again, in one of these
// roles, with the role's arguments.
var roles = map[string]func(args []string) error{
	"write":       writeRole,
	"write-on":    writeOnRole,
	"pace":        paceRole,
	"restrained":  restrainedRole,
	"small-files": smallFilesRole,
	"as-user":     asUserRole,
	"hold-turn":   holdTurnRole,
	"take-turn":   takeTurnRole,
}

const roleVariable = "BUFFER_TEST_ROLE"

func TestMain(m *testing.M) {
	role, ok := roles[os.Getenv(roleVariable)]
	if !ok {
		os.Exit(m.Run())
	}
	if err := role(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// inRole prepares this binary to run in a role, its output collected.
func inRole(t *testing.T, role string, args ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	var output bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", args...)
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	cmd.Stdout, cmd.Stderr = &output, &output
	return cmd, &output
}

// writeRole: directory, number of profiles, bytes of each.
func writeRole(args []string) error {
	count, size := number(args[1]), number(args[2])
	s := New(Options{Dirs: args[:1]})
	for range count {
		if err := s.Write(document(size)); err != nil {
			return err
		}
		s.EnforceLimits()
	}
	s.Close()
	return nil
}

// writeOnRole: directory, bytes of each profile. It writes until it is killed.
func writeOnRole(args []string) error {
	s := New(Options{Dirs: args[:1]})
	for {
		if err := s.Write(document(number(args[1]))); err != nil {
			return err
		}
		s.EnforceLimits()
	}
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		panic(err)
	}
	return n
}

// document is a profile of size bytes that shows when it has been cut.
func document(size int) []byte {
	d := bytes.Repeat([]byte{'.'}, size)
	copy(d, strconv.Itoa(size)+" ")
	d[size-1] = '\n'
	return d
}

func checkWhole(t *testing.T, path string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	size, _, _ := bytes.Cut(content, []byte(" "))
	if want, _ := strconv.Atoi(string(size)); len(content) == 0 || len(content) != want || content[want-1] != '\n' {
		t.Errorf("%s is not whole: %d bytes, beginning with %.20q", path, len(content), content)
	}
}

// list is the sorted names in dir that match pattern, apart from what every store makes.
func list(t *testing.T, dir, pattern string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		if ok, _ := filepath.Match(pattern, entry.Name()); ok && entry.Name() != ownDirectory("") {
			names = append(names, entry.Name())
		}
	}
	slices.Sort(names)
	return names
}

func mustWrite(t testing.TB, s *Store, text []byte) {
	t.Helper()
	if err := s.Write(text); err != nil {
		t.Fatal(err)
	}
	s.EnforceLimits()
}

// newStore is closed when the test ends.
func newStore(t testing.TB, o Options) *Store {
	s := New(o)
	t.Cleanup(func() { s.Close() })
	return s
}

// cannot ends a test that this machine does not permit.
func cannot(t *testing.T, what string, err error) {
	t.Helper()
	if os.Getenv("TRANSMIT_STRICT") == "1" {
		t.Fatalf("strict: %s: %v", what, err)
	}
	t.Skipf("%s: %v", what, err)
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		cannot(t, "needs root", unix.EPERM)
	}
}

func wantError(t *testing.T, err error, want ...error) {
	t.Helper()
	for _, w := range want {
		if !errors.Is(err, w) {
			t.Errorf("error %q is not %q", err, w)
		}
	}
}
