package buffer

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

var (
	errRelative = errors.New("not an absolute path")
	errForeign  = errors.New("belongs to another user")
	errOpen     = errors.New("everybody may write to it, and it is not sticky")
)

// SystemDirs are the default candidates on a host whose directory for temporary
// files is temp: that directory itself is the last resort.
func SystemDirs(temp string) []string {
	return slices.Compact([]string{
		"/var/lib/bitville-apm/buffer",
		"/tmp/bitville-apm-buffer",
		filepath.Join(temp, "bitville-apm-buffer"),
		temp,
	})
}

// descriptor is an open file or directory, and how to know it again: the host may
// close any descriptor (closefrom(3), daemons), and its number is then reused.
type descriptor struct {
	fd       int
	dev, ino uint64
}

// status is what the descriptor refers to; not ok if that is no longer what was
// opened, and so not ours to use or to close.
func (d *descriptor) status() (status unix.Stat_t, ok bool) {
	err := unix.Fstat(d.fd, &status)
	return status, err == nil && d.is(&status)
}

func (d *descriptor) is(status *unix.Stat_t) bool {
	return status.Dev == d.dev && status.Ino == d.ino
}

// close closes it if it is still what was opened. What fstat fails for is open, too: a
// file whose disk is gone.
func (d *descriptor) close() error {
	var status unix.Stat_t
	err := unix.Fstat(d.fd, &status)
	if err == unix.EBADF || err == nil && !d.is(&status) {
		return nil
	}
	return unix.Close(d.fd)
}

// directory is an open directory.
type directory struct {
	path string
	descriptor
}

// choose opens the first usable candidate, after making it if it is missing.
func choose(candidates []string) (*directory, error) {
	var reasons unusable
	for _, path := range candidates {
		dir, err := openUsable(path)
		if err == nil {
			return dir, nil
		}
		reasons = append(reasons, fmt.Errorf("%s: %w", path, err))
	}
	return nil, reasons
}

// unusable is an ErrNoDirectory with the reason of each candidate.
type unusable []error

func (u unusable) Error() string {
	reasons := make([]string, len(u))
	for i, err := range u {
		reasons[i] = err.Error()
	}
	return ErrNoDirectory.Error() + ": " + strings.Join(reasons, "; ")
}

func (u unusable) Unwrap() []error { return append([]error{ErrNoDirectory}, u...) }

func openUsable(path string) (*directory, error) {
	if !filepath.IsAbs(path) {
		return nil, errRelative
	}
	path = filepath.Clean(path) // O_NOFOLLOW follows a link that ends in a slash
	dir, err := openDirectory(path)
	// Again, if somebody takes it away between the two.
	for try := 0; try < 3 && errors.Is(err, unix.ENOENT); try++ {
		if err = os.MkdirAll(path, 0o755); err == nil {
			dir, err = openDirectory(path)
		}
	}
	if err != nil {
		return nil, err
	}
	if err := dir.writable(); err != nil {
		dir.close()
		return nil, err
	}
	return dir, nil
}

// openDirectory opens path if it is a directory, not a link to one, that nobody
// but its trusted owner can have prepared.
func openDirectory(path string) (*directory, error) {
	fd, err := openat(unix.AT_FDCWD, path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	var status unix.Stat_t
	err = unix.Fstat(fd, &status)
	if err == nil {
		err = trusted(&status)
	}
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	return &directory{path, descriptor{fd, status.Dev, status.Ino}}, nil
}

// trusted refuses a directory in which another user could change our files.
// Group-writable is allowed: that is the administrator's decision.
func trusted(status *unix.Stat_t) error {
	if status.Uid != 0 && status.Uid != uint32(unix.Geteuid()) {
		return errForeign
	}
	if status.Mode&unix.S_IWOTH != 0 && status.Mode&unix.S_ISVTX == 0 {
		return errOpen
	}
	return nil
}

// writable asks the kernel, or tries it where a filter may have refused the question.
func (d *directory) writable() error {
	err := unix.Faccessat(d.fd, ".", unix.W_OK|unix.X_OK, unix.AT_EACCESS)
	if isRefusal(err) {
		return d.tryToCreate()
	}
	return err
}

func (d *directory) tryToCreate() error {
	temp, err := d.create(nil)
	if err == nil {
		d.remove(temp)
	}
	return err
}

// current is status, and ok only if the path still names this directory and it
// may still be trusted.
func (d *directory) current() (status unix.Stat_t, ok bool) {
	var named unix.Stat_t
	err := unix.Fstatat(unix.AT_FDCWD, d.path, &named, unix.AT_SYMLINK_NOFOLLOW)
	if err != nil || !d.is(&named) || trusted(&named) != nil {
		return status, false
	}
	return d.status()
}

// reopen gives the directory a second descriptor, with its own reading position.
func (d *directory) reopen() (*directory, error) {
	fd, err := openat(d.fd, ".", unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	return &directory{d.path, descriptor{fd, d.dev, d.ino}}, nil
}

// remove takes a file away, if it is there and can be taken.
func (d *directory) remove(name string) {
	_ = unix.Unlinkat(d.fd, name, 0)
}
