package buffer

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"libtransmit/buffer/descriptor"
)

var (
	errRelative = errors.New("not an absolute path")
	errForeign  = errors.New("belongs to another user")
	errGroup    = errors.New("its group may write to it, and it is not sticky")
	errOpen     = errors.New("everybody may write to it, and it is not sticky")
	errLink     = errors.New("is a link, and buffer_links is false")
)

const maxLinks = 40 // as the kernel has it: path_resolution(7)

// walk follows a path, one part at a time, and checks each directory and each link before the next step. No other user
// can replace what it has checked. php/src/Plain/TrustedPath.php does the same.
type walk struct {
	fd    int    // O_PATH, of the directory reached so far
	at    string // its path, without links
	rest  []string
	links int // how many it has followed

	noLinks bool // refuse links
}

// openTrusted opens the directory at path, and creates missing directories. The last part must not be a link; with
// noLinks, no part may be one.
func openTrusted(path string, noLinks bool) (*directory, error) {
	if !filepath.IsAbs(path) {
		return nil, errRelative
	}
	w := &walk{fd: -1, noLinks: noLinks}
	defer w.close()
	w.add(path)
	err := w.toRoot()
	for err == nil && len(w.rest) > 0 {
		err = w.step()
	}
	if err != nil {
		return nil, err
	}
	return w.open()
}

func (w *walk) close() {
	if w.fd >= 0 {
		unix.Close(w.fd)
	}
}

// add puts the parts of path before the rest.
func (w *walk) add(path string) {
	var parts []string
	for _, part := range strings.Split(path, "/") {
		if part != "" && part != "." {
			parts = append(parts, part)
		}
	}
	w.rest = append(parts, w.rest...)
}

func (w *walk) toRoot() error {
	fd, err := openat(unix.AT_FDCWD, "/", unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	return w.enter(fd, "/")
}

// step follows the next part.
func (w *walk) step() error {
	part := w.rest[0]
	w.rest = w.rest[1:]
	fd, err := openat(w.fd, part, unix.O_PATH|unix.O_NOFOLLOW, 0)
	if err == unix.ENOENT {
		if err = unix.Mkdirat(w.fd, part, 0o755); err == nil || err == unix.EEXIST {
			fd, err = openat(w.fd, part, unix.O_PATH|unix.O_NOFOLLOW, 0)
		}
	}
	if err != nil {
		return err
	}
	return w.enter(fd, filepath.Join(w.at, part))
}

// enter continues at fd, a directory or a link.
func (w *walk) enter(fd int, path string) error {
	var status unix.Stat_t
	err := unix.Fstat(fd, &status)
	if err == nil && status.Mode&unix.S_IFMT == unix.S_IFLNK {
		defer unix.Close(fd)
		return w.follow(fd, path, &status)
	}
	if err == nil && status.Mode&unix.S_IFMT != unix.S_IFDIR {
		err = unix.ENOTDIR
	}
	if err == nil {
		err = trusted(&status)
	}
	if err != nil {
		unix.Close(fd)
		return w.wrap(path, err)
	}
	w.close()
	w.fd, w.at = fd, path
	return nil
}

// follow follows a link, if this user or root owns it.
func (w *walk) follow(fd int, path string, status *unix.Stat_t) error {
	w.links++
	switch {
	case len(w.rest) == 0:
		return unix.ENOTDIR
	case w.noLinks:
		return w.wrap(path, errLink)
	case status.Uid != 0 && status.Uid != uint32(unix.Geteuid()):
		return w.wrap(path, errForeign)
	case w.links > maxLinks:
		return unix.ELOOP
	}
	var target [unix.PathMax]byte
	n, err := unix.Readlinkat(fd, "", target[:])
	if err != nil {
		return err
	}
	w.add(string(target[:n]))
	if target[0] == '/' {
		return w.toRoot()
	}
	return nil
}

// wrap adds the path to the error, unless it is about the last part.
func (w *walk) wrap(path string, err error) error {
	if len(w.rest) == 0 {
		return err
	}
	return fmt.Errorf("%s: %w", path, err)
}

// open opens the directory reached for reading.
func (w *walk) open() (*directory, error) {
	fd, err := openat(w.fd, ".", unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	file, err := descriptor.New(fd)
	if err != nil {
		return nil, err
	}
	return &directory{path: w.at, File: *file}, nil
}
