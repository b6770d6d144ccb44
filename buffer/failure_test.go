package buffer

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

func TestWrite_OnAFullDiskLeavesNoDebris(t *testing.T) {
	tests := []struct {
		name, options string
		size          int
	}{
		{"no blocks", "size=64k", 5000},
		{"no blocks, in the first piece", "size=64k", 100_000},
		{"no inodes", "nr_inodes=8", 10},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := mountTmpfs(t, tt.options)
			s := newStore(t, Options{Dirs: []string{dir}, MaxFiles: 1000, MaxBytes: 1 << 20})
			written, err := 0, error(nil)
			for ; err == nil && written < 100; written++ {
				err = s.Write(document(tt.size))
			}
			wantError(t, err, ErrFull, unix.ENOSPC)
			wantError(t, s.Write(document(tt.size)), ErrFull)
			names := list(t, dir, "*")
			if len(names) != written-1 {
				t.Errorf("%d files after %d writes: %v", len(names), written-1, names)
			}
			for _, name := range names {
				checkWhole(t, filepath.Join(dir, name))
				os.Remove(filepath.Join(dir, name))
			}
			mustWrite(t, s, document(10))
		})
	}
}

func TestWrite_LeavesADiskThatGoesReadOnly(t *testing.T) {
	disk, other := mountTmpfs(t, "size=64k"), t.TempDir()
	s := newStore(t, Options{Dirs: []string{disk, other}})
	mustWrite(t, s, document(10))
	if err := unix.Mount("", disk, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, s, document(10))
	if got := len(list(t, other, "profile_*")); got != 1 {
		t.Errorf("%d files in the other directory, want 1", got)
	}
	err := newStore(t, Options{Dirs: []string{disk}}).Write(document(10))
	wantError(t, err, ErrNoDirectory, unix.EROFS)
}

// mountTmpfs is a file system of its own until the test ends.
func mountTmpfs(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=0755,"+options); err != nil {
		cannot(t, "mount a tmpfs", err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	return dir
}

func TestWrite_AsAnOrdinaryUser(t *testing.T) {
	needRoot(t)
	tests := []struct {
		name  string
		owner int
		mode  uint32
		want  string // "" for success
	}{
		{"own", nobody, 0o755, ""},
		{"own, not writable", nobody, 0o555, "permission denied"},
		{"own, not searchable", nobody, 0o655, "permission denied"},
		{"root's", 0, 0o755, "permission denied"},
		{"root's, sticky", 0, 0o1777, ""},
		{"root's, not sticky", 0, 0o777, errOpen.Error()},
		{"a third user's", 1, 0o1777, errForeign.Error()},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir, err := os.MkdirTemp("", "buffer") // t.TempDir's parents are root's alone
			if err != nil {
				t.Fatal(err)
			}
			defer os.RemoveAll(dir)
			if err := firstError(unix.Chown(dir, tt.owner, tt.owner), unix.Chmod(dir, tt.mode)); err != nil {
				t.Fatal(err)
			}
			want := "written"
			if tt.want != "" {
				want = fmt.Sprintf("%v: %s: %s", ErrNoDirectory, dir, tt.want)
			}
			cmd, output := inRole(t, "as-user", dir)
			cmd.Stderr = nil // with -cover, it complains that it cannot write there
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
			if err := cmd.Run(); err != nil || output.String() != want {
				t.Errorf("%v: %q, want %q", err, output, want)
			}
		})
	}
}

// asUserRole: directory. It says what became of one write.
func asUserRole(args []string) error {
	if err := New(Options{Dirs: args}).Write(document(10)); err != nil {
		fmt.Print(err)
		return nil
	}
	fmt.Print("written")
	return nil
}

func TestWrite_OverTheFileSizeLimitLeavesNoDebris(t *testing.T) {
	dir := t.TempDir()
	cmd, output := inRole(t, "small-files", dir)
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	if got := list(t, dir, "*"); len(got) != 1 {
		t.Errorf("files %v, want one", got)
	}
}

// smallFilesRole: directory. It writes at the limit of RLIMIT_FSIZE, and over.
func smallFilesRole(args []string) error {
	const limit = 10_000
	signal.Ignore(unix.SIGXFSZ)
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: limit, Max: limit}); err != nil {
		return err
	}
	s := New(Options{Dirs: args})
	if err := s.Write(document(limit)); err != nil {
		return err
	}
	err := s.Write(document(limit + 1))
	if !errors.Is(err, unix.EFBIG) || errors.Is(err, ErrFull) {
		return fmt.Errorf("over the limit: %w", err)
	}
	return nil
}

// The system calls that old kernels and some file systems do not have, failed
// by a filter of the kernel's own in another process.
func TestWrite_WithoutRenameat2AndLinks(t *testing.T) {
	tests := []struct {
		name        string
		rename      unix.Errno
		link        unix.Errno // 0: works
		wantFailure bool
	}{
		{"old kernel", unix.ENOSYS, 0, false},
		{"NFS", unix.EINVAL, 0, false},
		{"FAT behind FUSE", unix.EINVAL, unix.EPERM, false},
		{"no links", unix.EINVAL, unix.EOPNOTSUPP, false},
		{"failing disk", unix.EIO, 0, true},
		{"failing disk, at the link", unix.EINVAL, unix.EIO, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			cmd, output := inRole(t, "restrained", dir, fmt.Sprint(int(tt.rename)), fmt.Sprint(int(tt.link)), "0")
			err := cmd.Run()
			if cmd.ProcessState.ExitCode() == cannotFilter {
				cannot(t, "filter system calls", errors.New(output.String()))
			}
			names := list(t, dir, "*")
			if tt.wantFailure {
				if err == nil || len(names) != 0 {
					t.Errorf("want failure and no file: %v, %v", err, names)
				}
				return
			}
			if err != nil || len(names) != 20 {
				t.Fatalf("%v: %s: %d files, want 20", err, output, len(names))
			}
			for _, name := range names {
				checkWhole(t, filepath.Join(dir, name))
			}
		})
	}
}

const cannotFilter = 77

// restrainedRole: directory, errno of renameat2, errno of linkat, errno of unlinkat.
func restrainedRole(args []string) error {
	fail := map[uint32]int{unix.SYS_RENAMEAT2: number(args[1]), unix.SYS_LINKAT: number(args[2]), unix.SYS_UNLINKAT: number(args[3])}
	if err := failSystemCalls(fail); err != nil {
		fmt.Fprint(os.Stderr, err)
		os.Exit(cannotFilter)
	}
	return writeRole([]string{args[0], "20", "1000"})
}

const killed = -1

// failSystemCalls makes system calls fail with an errno, or kill the process, in this process, for good.
func failSystemCalls(errnos map[uint32]int) error {
	statement := func(code uint16, k uint32) unix.SockFilter { return unix.SockFilter{Code: code, K: k} }
	filter := []unix.SockFilter{statement(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, 0)} // seccomp_data.nr
	for call, errno := range errnos {
		action := unix.SECCOMP_RET_ERRNO | uint32(errno)
		if errno == killed {
			action = unix.SECCOMP_RET_KILL_PROCESS
		}
		if errno != 0 {
			filter = append(filter,
				unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: call, Jf: 1},
				statement(unix.BPF_RET|unix.BPF_K, action))
		}
	}
	filter = append(filter, statement(unix.BPF_RET|unix.BPF_K, unix.SECCOMP_RET_ALLOW))
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		return errno
	}
	return nil
}

// A cleaner of /tmp that takes temporary files as soon as it sees them.
func TestWrite_WritesAgainWhenItsTemporaryFileIsTaken(t *testing.T) {
	dir := t.TempDir()
	s := newStore(t, Options{Dirs: []string{dir}})
	mustWrite(t, s, document(10))
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if _, err := unix.InotifyAddWatch(fd, dir, unix.IN_CREATE); err != nil {
		t.Fatal(err)
	}
	written := make(chan error)
	go func() { written <- s.Write(document(32 << 20)) }() // long enough to be caught
	for _, name := range newNames(t, fd) {
		os.Remove(filepath.Join(dir, name))
	}
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	names := list(t, dir, "*")
	if len(names) != 2 {
		t.Errorf("files %v, want 2", names)
	}
	for _, name := range names {
		checkWhole(t, filepath.Join(dir, name))
	}
}

func TestNew_DoesNothingYet(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "missing")
	start := time.Now()
	New(Options{Dirs: []string{dir}}).Close()
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("touched: %v", err)
	}
	if took := time.Since(start); took > 10*time.Millisecond {
		t.Errorf("took %v", took)
	}
}
