package transmit

import (
	"errors"
	"fmt"

	socket "libtransmit/transmit/listener"
	"libtransmit/transmit/profile"
)

// errNotAsked means that the caller wanted the profile on disk.
var errNotAsked = errors.New("listener not asked")

// offer sends the document to the listener, before the socket's deadline.
//
//	document                            setting oversize   what is sent
//	fits                                any                the document
//	fits, but the kernel refuses it     any                as if it were too large
//	too large                           "shrink"           the shrunk document, if that fits
//	too large, nothing to remove        "shrink"           nothing
//	too large, no time to shrink it     "shrink"           nothing
//	too large                           "buffer"           nothing
//	too large                           "memfd"            a memfd of the document
//
// rest is what to write to disk; whyUnsent, why the listener did not take it; err is fatal.
func (t *Transmitter) offer(doc *document, out pieces, r SendRequest, s *settings) (rest pieces, whyUnsent, err error) {
	whyUnsent = s.refuses(out)
	if whyUnsent == nil {
		whyUnsent = t.ask(doc, out, r, s)
	}
	if !errors.Is(whyUnsent, socket.ErrTooLarge) {
		return out, whyUnsent, nil
	}
	switch s.oversize {
	case toMemfd:
		whyUnsent = t.askSealed(doc, out, r, s)
	case shrink:
		smaller, err := doc.shrink(s.maxDatagram)
		if errors.Is(err, profile.ErrTimeUp) {
			return out, fmt.Errorf("%w: %d bytes, and no time to shrink it", socket.ErrTooLarge, out.size()), nil
		}
		if err != nil {
			return nil, nil, err
		}
		if smaller == nil {
			break
		}
		count(Shrunk)
		out = smaller
		if whyUnsent = s.refuses(out); whyUnsent == nil {
			whyUnsent = t.ask(doc, out, r, s)
		}
	}
	return out, whyUnsent, nil
}

// refuses returns why the document is larger than the settings allow, or nil.
func (s *settings) refuses(out pieces) error {
	if size := out.size(); size > s.maxDatagram {
		return fmt.Errorf("%w: %d bytes, max_datagram_size is %d", socket.ErrTooLarge, size, s.maxDatagram)
	}
	return nil
}

// ask sends a document that fits.
func (t *Transmitter) ask(doc *document, out pieces, r SendRequest, s *settings) error {
	if r.ToDisk {
		return errNotAsked
	}
	l := t.listeners.find(r.Socket, s.listener)
	defer t.release(l)
	return l.send(out, doc.socketDeadline)
}

// askSealed sends a document as a memfd.
func (t *Transmitter) askSealed(doc *document, out pieces, r SendRequest, s *settings) error {
	if r.ToDisk {
		return errNotAsked
	}
	l := t.listeners.find(r.Socket, s.listener)
	defer t.release(l)
	t.writer.countGarbage()
	return l.sendSealed(out, doc.shrinkLimit(), doc.socketDeadline)
}

func (t *Transmitter) release(l *listener) {
	if l.once {
		t.writer.countGarbage()
	}
	l.release()
}
