package buffer

import (
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// The users of tests/trust.json, which tests/php/TrustTest.php reads, too.
const (
	me    = 42901
	other = 42902
)

type trustRow struct {
	Name, Path, Want string
	Make             [][4]string // what, path, mode or target ("@" is the scene), owner
}

func (row trustRow) prepare(top string) error {
	owners := map[string]int{"me": me, "other": other, "root": 0}
	for _, step := range row.Make {
		path := top + "/" + step[1]
		var err error
		switch step[0] {
		case "dir":
			err = os.Mkdir(path, 0o700)
		case "file":
			err = os.WriteFile(path, nil, 0o600)
		case "link":
			err = os.Symlink(strings.Replace(step[2], "@", top, 1), path)
		}
		if err == nil {
			err = os.Lchown(path, owners[step[3]], owners[step[3]])
		}
		if mode, bad := strconv.ParseUint(step[2], 8, 32); err == nil && bad == nil {
			err = unix.Chmod(path, uint32(mode))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// TestTrust has a user of its own and a hostile one, on each way to a directory.
func TestTrust(t *testing.T) {
	needRoot(t)
	text, err := os.ReadFile("../tests/trust.json")
	if err != nil {
		t.Fatal(err)
	}
	var rows []trustRow
	if err := json.Unmarshal(text, &rows); err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		t.Run(row.Name, func(t *testing.T) {
			top, err := os.MkdirTemp("/tmp", "trust")
			if err := firstError(err, os.Chmod(top, 0o755), row.prepare(top)); err != nil {
				t.Fatal(err)
			}
			defer os.RemoveAll(top)
			cmd, output := inRole(t, "as-user", top+"/"+row.Path)
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: me, Gid: me}}
			err = cmd.Run()
			want := row.Want
			if want == "" {
				want = "written"
			}
			if err != nil || !strings.Contains(output.String(), want) {
				t.Errorf("%v: %q, want %q", err, output, want)
			}
		})
	}
}
