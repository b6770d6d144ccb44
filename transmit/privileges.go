package transmit

import "golang.org/x/sys/unix"

// privileges are the capabilities of one thread: capabilities(7).
//
// A host may give up capabilities after its first call. capset(2) changes the calling thread only. So the writer's thread
// would keep its own, and write where the host may no longer write.
type privileges [2]unix.CapUserData

// ownPrivileges returns those of the calling thread, or none if the kernel does not tell.
func ownPrivileges() (p privileges) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	unix.Capget(&header, &p[0])
	return p
}

// setsUsers are the capabilities that stay. When a host changes its user or groups (seteuid, setgroups), libc does so on
// all threads, and ends the process if one thread may not. They open no files.
var setsUsers = [2]uint32{1<<unix.CAP_SETUID | 1<<unix.CAP_SETGID}

// limitTo drops from the calling thread the capabilities that other does not have: a permitted one can become effective
// again. The thread's own ones are read each time, because a change of the user (seteuid) changes them.
func limitTo(other privileges) {
	p := ownPrivileges()
	limited := p
	for i := range limited {
		limited[i].Permitted &= other[i].Permitted | setsUsers[i]
		limited[i].Effective = limited[i].Permitted & (other[i].Effective | setsUsers[i]&p[i].Effective)
		limited[i].Inheritable &= other[i].Inheritable
	}
	if limited == p {
		return
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	unix.Capset(&header, &limited[0])
}
