package transmit

import "golang.org/x/sys/unix"

// privileges are the capabilities of one thread: capabilities(7).
//
// A host may give them up after its first call. capset(2) is for the calling thread alone, and the writer's thread
// would keep what it was started with, and write where the host may not write any more.
type privileges [2]unix.CapUserData

// ownPrivileges are those of the thread that asks; all zero if the kernel does not say.
func ownPrivileges() (p privileges) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	unix.Capget(&header, &p[0])
	return p
}

// setsUsers are kept as long as they are permitted. A host that changes its user and back (seteuid) does so on all
// threads; libc ends the process when one thread may not what another one may.
var setsUsers = [2]uint32{1<<unix.CAP_SETUID | 1<<unix.CAP_SETGID}

// limitTo gives up on this thread what other does not have. What is permitted but not effective can come back.
func (p privileges) limitTo(other privileges) privileges {
	limited := p
	for i := range limited {
		limited[i].Permitted &= other[i].Permitted
		limited[i].Effective = limited[i].Permitted & (other[i].Effective | setsUsers[i]&p[i].Effective)
		limited[i].Inheritable &= other[i].Inheritable
	}
	if limited == p {
		return p
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	if unix.Capset(&header, &limited[0]) != nil {
		return p
	}
	return limited
}
