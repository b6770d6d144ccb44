package listener

import (
	"strconv"

	"golang.org/x/sys/unix"
)

// Owner is the user whose socket a listener's must be. Its zero value is anybody.
type Owner struct {
	uid   uint32
	isSet bool
}

// OwnedBy is that user, or root.
func OwnedBy(uid uint32) Owner { return Owner{uid, true} }

// IsSet tells whether it is not anybody.
func (o Owner) IsSet() bool { return o.isSet }

// locate returns what to connect to instead of path, and a descriptor to close afterwards; EPERM if another user has
// bound the socket. The address leads to the very file that was looked at: nobody can exchange it before the connect.
func (o Owner) locate(path string) (address string, fd int, errno unix.Errno) {
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
