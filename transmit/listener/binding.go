package listener

import (
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// lookPause is the interval between two checks of the file at the listener's path.
const lookPause = time.Second

// binding is the socket file at the time of connect(2). A socket keeps its peer even after another listener is bound to
// the path, so the file must be checked.
type binding struct {
	path string
	file fileID
	next atomic.Int64 // time of the next check, since start
}

// fileID identifies a file, even where a file system reuses inode numbers. Its zero value is no file.
type fileID struct {
	dev, ino uint64
	made     unix.Timespec // its modification time, which does not change: a socket's file is never written to
}

var start = time.Now()

func fileAt(path string) (fileID, error) {
	var stat unix.Stat_t
	err := unix.Stat(path, &stat)
	return fileID{uint64(stat.Dev), stat.Ino, stat.Mtim}, err
}

// bindingOf must be called before the connect: then the next check finds a listener that is bound in between. It returns
// ENOENT if there is no file to connect to.
func bindingOf(path string) (*binding, unix.Errno) {
	b := &binding{path: path}
	var err error
	if b.file, err = fileAt(path); err == unix.ENOENT {
		return nil, unix.ENOENT
	}
	b.next.Store(int64(time.Since(start) + lookPause))
	return b, 0
}

// isStillThere checks once a second, in one thread only, because the file system may hang. If the host may no longer look
// at the path (it has given up privileges), the answer is yes.
func (b *binding) isStillThere() bool {
	now, next := int64(time.Since(start)), b.next.Load()
	if now < next || !b.next.CompareAndSwap(next, now+int64(lookPause)) {
		return true
	}
	file, err := fileAt(b.path)
	if file == b.file || err != nil && err != unix.ENOENT && err != unix.ENOTDIR {
		return true
	}
	b.next.Store(0)
	return false
}
