package tests

import (
	"fmt"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The buffer is on a file system like FAT: it has no links, and rename always replaces. Several processes write at
// once; the limits hold, and a replay sends each profile once.
func TestDisk_LikeFAT(t *testing.T) {
	const writers, each, limit = 3, 20, 30
	for _, refusal := range []syscall.Errno{syscall.EPERM, syscall.EOPNOTSUPP, syscall.EMLINK} {
		for _, library := range []string{stage + "/build/libtransmit.so", ""} {
			t.Run(fmt.Sprintf("%v, library %q", refusal, library), func(t *testing.T) {
				d, tell := fuseDisk(t)
				tell(fmt.Sprintf("fat %d", refusal))
				if err := os.Link("/etc/hostname", d.dir+"/x"); err == nil {
					t.Fatal("it has links")
				}
				s := newScene(t)
				s.buffer = d.dir + "/b"
				run := func(args ...string) string {
					cmd := php(t, s, "buffer.php", args...)
					cmd.Env = append(cmd.Env, fmt.Sprintf(`TEST_SETTINGS={"library":%q,"timeout_us":5000000,"buffer_max_files":%d}`, library, limit))
					return succeed(t, 60*time.Second, cmd)
				}
				var all sync.WaitGroup
				for range writers {
					all.Go(func() {
						if out := run("write", fmt.Sprint(each)); out != fmt.Sprint(each) {
							t.Errorf("%s of %d were written; log: %s", out, each, logOf(s))
						}
					})
				}
				all.Wait()
				// Processes that end soon leave the limits to the next one.
				for try := 0; len(s.files(t)) > limit && try < 10; try++ {
					run("write", "1")
				}
				there := ids(t, s.profiles(t)...)
				if len(there) > limit || len(there) < limit*9/10 {
					t.Errorf("%d profiles are there, want %d", len(there), limit)
				}
				l := listen(t, s.socket)
				if out := run("replay"); out != fmt.Sprint(len(there)) {
					t.Errorf("%s were replayed, want %d; log: %s", out, len(there), logOf(s))
				}
				eachOnce(t, ids(t, l.await(len(there))...), len(there))
				if left := len(s.profiles(t)); left != 0 {
					t.Errorf("%d are left", left)
				}
			})
		}
	}
}
