package listener

import (
	"strconv"

	"golang.org/x/sys/unix"
)

// Owner is the user that must own a listener's socket. Its zero value is any user.
type Owner struct {
	uid   uint32
	isSet bool
}

// OwnedBy accepts the sockets of that user and of root.
func OwnedBy(uid uint32) Owner { return Owner{uid, true} }

// IsSet tells whether the owner is limited.
func (o Owner) IsSet() bool { return o.isSet }

// locate returns an address to connect to instead of path, and a descriptor to close afterwards. It returns EPERM if
// another user owns the socket or a link on the path. Such a link may lead to another socket of the owner or of root. The
// address names the file that was checked, so no one can replace it before the connect.
func (o Owner) locate(path string) (address string, fd int, errno unix.Errno) {
	if errno := o.checkLinks(path); errno != 0 {
		return "", -1, errno
	}
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", -1, err.(unix.Errno)
	}
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		unix.Close(fd)
		return "", -1, err.(unix.Errno)
	}
	if stat.Uid != o.uid && stat.Uid != 0 {
		unix.Close(fd)
		return "", -1, unix.EPERM
	}
	return "/proc/self/fd/" + strconv.Itoa(fd), fd, 0
}

// checkLinks returns EPERM if a part of the path is a link of neither the owner, root nor this process's user.
func (o Owner) checkLinks(path string) unix.Errno {
	var stat unix.Stat_t
	for end := 1; end <= len(path); end++ {
		if end < len(path) && path[end] != '/' {
			continue
		}
		if err := unix.Lstat(path[:end], &stat); err != nil {
			return err.(unix.Errno)
		}
		isTrusted := stat.Uid == 0 || stat.Uid == o.uid || stat.Uid == uint32(unix.Geteuid())
		if stat.Mode&unix.S_IFMT == unix.S_IFLNK && !isTrusted {
			return unix.EPERM
		}
	}
	return 0
}
