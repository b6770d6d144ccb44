package tests

import (
	"fmt"
	"hash/crc32"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// neighbour is another ordinary user.
const neighbour = 61235

// things are what another user may put where a file, a directory or a socket is expected.
// Those that lead elsewhere lead to path-victim.
var things = map[string]func(path string) error{
	"a file":             fileAt,
	"a link to a file":   func(path string) error { return linkTo(path, fileAt(path+"-victim")) },
	"a link to nothing":  func(path string) error { return linkTo(path, nil) },
	"a link to itself":   func(path string) error { return os.Symlink(path, path) },
	"a link to a folder": func(path string) error { return linkTo(path, os.Mkdir(path+"-victim", 0o777)) },
	"a link to /tmp":     func(path string) error { return os.Symlink(".", path) }, // one like it
	"a FIFO":             func(path string) error { return syscall.Mkfifo(path, 0o666) },
	"a device":           func(path string) error { return os.Symlink("/dev/null", path) },
	"their folder":       func(path string) error { return os.Mkdir(path, 0o755) },
	"everybody's folder": func(path string) error { return folder(path, 0o777) },
	"a sticky folder":    func(path string) error { return folder(path, 0o777|os.ModeSticky) },
	"a stream socket": func(path string) error {
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
		if err == nil {
			l.SetUnlinkOnClose(false)
			l.Close()
		}
		return err
	},
}

// fileAt makes a file that everybody may write to.
func fileAt(path string) error {
	if err := os.WriteFile(path, []byte("theirs"), 0o600); err != nil {
		return err
	}
	return os.Chmod(path, 0o666)
}

func linkTo(path string, err error) error {
	if err != nil {
		return err
	}
	return os.Symlink(path+"-victim", path)
}

func folder(path string, mode os.FileMode) error {
	if err := os.Mkdir(path, 0o755); err != nil {
		return err
	}
	return os.Chmod(path, mode)
}

// leave has the neighbour leave a thing at path.
func leave(t *testing.T, thing, path string) {
	t.Helper()
	check(t, things[thing](path))
	for _, name := range []string{path, path + "-victim"} {
		if err := os.Lchown(name, neighbour, neighbour); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
}

// belongings are what the neighbour has below a folder, and where its links lead: modes,
// sizes, times.
func belongings(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	check(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := entry.Info()
		if err == nil && (info.Sys().(*syscall.Stat_t).Uid == neighbour || strings.Contains(path, "-victim")) {
			fmt.Fprintln(&all, path, info.Mode(), info.Size(), info.ModTime())
		}
		return err
	}))
	return all.String()
}

// private fails the test if another user can read what the sender has made.
func private(t *testing.T, dir string) {
	t.Helper()
	check(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(path, "/php.log") || strings.Contains(path, "/doc.") {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Sys().(*syscall.Stat_t).Uid == nobody && info.Mode() != 0o600 {
			t.Errorf("%s: %v", path, info.Mode())
		}
		return err
	}))
}

// sendAndWrite has one profile sent and one written by an ordinary user. It returns
// whether the first was sent.
var sendAndWrite = map[string]func(t *testing.T, s scene, dirs []string, umask string) bool{
	"native": func(t *testing.T, s scene, dirs []string, umask string) bool {
		d := driverOf(t, s, as(nobody, exec.Command(program(t, "driver"))))
		d.ask("umask %s", umask)
		d.configure(s.settings(map[string]any{"buffer_dirs": dirs}))
		a := d.send([]byte(`{"id":"sent"}`))
		d.load([]byte(`{"id":"written"}`))
		b := d.sends(1, flagToDisk, "-")[0]
		if a.result < 0 || !b.is(buffered) {
			t.Errorf("%+v, %+v", a, b)
		}
		d.settle()
		return a.result == sent
	},
	"plain PHP": func(t *testing.T, s scene, dirs []string, umask string) bool {
		cmd := as(nobody, php(t, s, "neighbour.php", umask))
		cmd.Env = append(cmd.Env, fmt.Sprintf(`TEST_SETTINGS={"library":"","buffer_dirs":["%s"]}`, strings.Join(dirs, `","`)))
		var sent, ms, written, msToo int
		_, err := fmt.Sscan(succeed(t, 20*time.Second, cmd), &sent, &ms, &written, &msToo)
		check(t, err)
		if written != 1 || ms > 500 || msToo > 500 {
			t.Errorf("written %d, after %d and %d ms; log: %s", written, ms, msToo, logOf(s))
		}
		return sent == 1
	},
}

func logOf(s scene) string {
	text, _ := os.ReadFile(s.dir + "/php.log")
	return string(text)
}

// Another user has put something at the path of the buffer directory: the next directory is used, and the other user's
// files stay as they are.
func TestNeighbours_AtTheBuffer(t *testing.T) {
	needRoot(t)
	var total figures
	for thing := range things {
		for face, use := range sendAndWrite {
			for _, umask := range []string{"0", "077"} {
				t.Run(thing+", "+face+", umask "+umask, func(t *testing.T) {
					s := newScene(t)
					own := s.dir + "/own"
					leave(t, thing, s.buffer)
					before := belongings(t, s.dir)
					use(t, s, []string{s.buffer, own}, umask)
					if after := belongings(t, s.dir); after != before {
						t.Errorf("before:\n%safter:\n%s", before, after)
					}
					private(t, s.dir)
					info, err := os.Stat(own)
					check(t, err)
					if want := map[string]os.FileMode{"0": 0o755, "077": 0o700}[umask]; info.Mode().Perm() != want {
						t.Errorf("the directory's mode: %v", info.Mode())
					}
					all := ids(t, scene{buffer: own}.profiles(t)...)
					total.add(account(t, []string{"sent", "written"}, nil, all, nil))
				})
			}
		}
	}
	total.report(t)
}

// Another user has put something at the socket's path.
func TestNeighbours_AtTheSocket(t *testing.T) {
	needRoot(t)
	var total figures
	for thing := range things {
		for face, use := range sendAndWrite {
			t.Run(thing+", "+face, func(t *testing.T) {
				s := newScene(t)
				leave(t, thing, s.socket)
				before := belongings(t, s.dir)
				if use(t, s, []string{s.buffer}, "022") {
					t.Error("sent")
				}
				if after := belongings(t, s.dir); after != before {
					t.Errorf("before:\n%safter:\n%s", before, after)
				}
				private(t, s.dir)
				total.add(account(t, []string{"sent", "written"}, nil, ids(t, s.profiles(t)...), nil))
			})
		}
	}
	for face, use := range sendAndWrite {
		t.Run("a link to a listener, "+face, func(t *testing.T) {
			s := newScene(t)
			l := listen(t, s.dir+"/real")
			check(t, os.Symlink("real", s.socket))
			if !use(t, s, []string{s.buffer}, "022") {
				t.Error("not sent")
			}
			total.add(account(t, []string{"sent", "written"}, ids(t, l.await(1)...), ids(t, s.profiles(t)...), nil))
		})
	}
	total.report(t)
}

// Another user has taken every name that plain PHP would use first, in its own directory and for its state files.
// buffer/file_test.go tests the same for the library.
func TestNeighbours_AtTheNames(t *testing.T) {
	for _, links := range []string{"links", "no links"} {
		t.Run(links, func(t *testing.T) {
			s := newScene(t)
			check(t, os.Mkdir(s.buffer, 0o755))
			waiting := 0
			for thing := range things {
				digits := crc32.ChecksumIEEE([]byte(s.socket))<<16 | uint32(2*waiting) // the even ones: BufferFile.publish
				check(t, things[thing](fmt.Sprintf("%s/profile_20200101_000000_%08x.json", s.buffer, digits)))
				waiting++
			}
			before, err := os.ReadDir(s.buffer)
			check(t, err)
			cmd := php(t, s, "taken.php", links)
			cmd.Env = append(cmd.Env, `TEST_SETTINGS={"library":"","buffer_max_files":0,"buffer_max_bytes":0}`)
			if out := succeed(t, 20*time.Second, cmd); out != fmt.Sprintf("written %d\n", waiting+1) {
				t.Errorf("%s %s", out, logOf(s))
			}
			check(t, os.RemoveAll(fmt.Sprintf("%s/.transmit-state-%d", s.buffer, os.Geteuid())))
			after, err := os.ReadDir(s.buffer)
			check(t, err)
			if len(after) != len(before)+1 {
				t.Errorf("%v, before %v", after, before)
			}
			for i, entry := range before {
				if entry.Type() != after[i].Type() {
					t.Errorf("%v is now %v", entry, after[i])
				}
			}
		})
	}
}

// Another user has put something at the paths of plain PHP's state files.
func TestNeighbours_AtTheStamps(t *testing.T) {
	needRoot(t)
	for thing := range things {
		t.Run(thing, func(t *testing.T) {
			s := newScene(t)
			check(t, os.Mkdir(s.buffer, 0o777))
			check(t, os.Chmod(s.buffer, 0o777|os.ModeSticky))
			for _, path := range []string{s.dir + "/.transmit-log1", s.buffer + "/.transmit-count"} {
				leave(t, thing, fmt.Sprintf("%s-%d", path, nobody))
			}
			before := belongings(t, s.dir)
			sendAndWrite["plain PHP"](t, s, []string{s.buffer}, "022")
			if after := belongings(t, s.dir); after != before {
				t.Errorf("before:\n%safter:\n%s", before, after)
			}
			found, err := filepath.Glob(s.buffer + "/profile_*.json")
			check(t, err)
			if len(found) != 2 {
				t.Errorf("files: %v", found)
			}
		})
	}
}
