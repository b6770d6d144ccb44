package transmit

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A profile goes to no socket that another user than listener_user or root has bound, whichever way it is addressed.
// listenAs listens at a socket that the user owns.
func listenAs(t *testing.T, path string, user int) *net.UnixConn {
	t.Helper()
	conn := listen(t, path)
	if err := os.Chown(path, user, user); err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestListenerUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	const listener, other = 42901, 42902
	for _, test := range []struct {
		name  string
		owner int
		user  int
		sent  bool
	}{
		{"anybody", other, -1, true},
		{"the user", listener, listener, true},
		{"root", 0, listener, true},
		{"another user", other, listener, false},
		{"another user, and root is wanted", other, 0, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := shortDir(t)
			path, link, second := filepath.Join(dir, "l"), filepath.Join(dir, "link"), filepath.Join(dir, "m")
			conn, another := listenAs(t, path, test.owner), listenAs(t, second, test.owner)
			if err := os.Symlink(path, link); err != nil {
				t.Fatal(err)
			}
			tx, _ := newTransmitter(t, path)
			want, says := Sent, ""
			if !test.sent {
				want, says = Buffered, "belongs neither to listener_user nor to root"
			}
			// First without the setting: the socket that is connected is not used again.
			if outcome, err := tx.Send(SendRequest{JSON: []byte(`{"first":1}`)}); outcome != Sent {
				t.Fatal(outcome, err)
			}
			receive(t, conn)
			mustConfigure(t, tx, fmt.Sprintf(`{"listener_user":%d}`, test.user))
			for _, to := range []string{"", path, link, second} {
				outcome, err := tx.Send(SendRequest{JSON: []byte(`{"a":1}`), Socket: to})
				if outcome != want || says != "" && (err == nil || !strings.Contains(err.Error(), says)) {
					t.Errorf("to %q: %v, %v", to, outcome, err)
				}
			}
			if got := receive(t, conn) + receive(t, another); (got != "") != test.sent {
				t.Errorf("arrived: %q", got)
			}
		})
	}
}

// Another user's link leads to a socket of root's that is not the listener's.
func TestListenerUser_LinksOfOthers(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	const listener, other = 42901, 42902
	for _, test := range []struct {
		name  string
		owner int // of the link
		sent  bool
	}{{"another user's", other, false}, {"listener_user's", listener, true}, {"root's", 0, true}} {
		t.Run(test.name, func(t *testing.T) {
			dir := shortDir(t)
			conn := listen(t, filepath.Join(dir, "s"))
			for link, to := range map[string]string{"link": dir + "/s", "dir": dir} {
				if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
					t.Fatal(err)
				}
				if err := os.Lchown(filepath.Join(dir, link), test.owner, test.owner); err != nil {
					t.Fatal(err)
				}
			}
			tx, _ := newTransmitter(t, filepath.Join(dir, "none"))
			mustConfigure(t, tx, fmt.Sprintf(`{"listener_user":%d}`, listener))
			for _, to := range []string{dir + "/link", dir + "/dir/s", dir + "//dir//s"} {
				outcome, err := tx.Send(SendRequest{JSON: []byte(`{"a":1}`), Socket: to})
				if (outcome == Sent) != test.sent {
					t.Errorf("to %s: %v, %v", to, outcome, err)
				}
			}
			if got := receive(t, conn); (got != "") != test.sent {
				t.Errorf("arrived: %q", got)
			}
		})
	}
}
