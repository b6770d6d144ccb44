package transmit

import (
	"slices"
	"sort"
)

// What is left of a document that is too large.
const (
	maxFunctions = 50  // of xhprof.profiling.top_functions
	maxQueries   = 100 // of sql.queries
)

// cuts is what a document loses when it is too large. The zero value cuts nothing.
type cuts struct {
	functions span    // the functions that go, with the comma before them
	queries   span    // the list or map of queries that goes; slowest stays in its place
	slowest   []query // slowest first, ties in their old order
}

type query struct {
	text span
	time float64 // milliseconds
}

func (c *cuts) marks() marks {
	return marks{truncated: c.functions.to > 0, sqlTruncated: c.queries.to > 0}
}

// cut finds what to cut from doc, a JSON object that starts at from. A list and a map are cut alike. Where a name
// occurs twice, the last one counts, as it does for decoders; where a value is of another type, nothing is cut.
// Errors are those of check: a document that was not checked may well have some.
func cut(doc []byte, from int, until limit) (cuts, error) {
	c := cutter{scanner: newScanner(doc, until)}
	c.slowest = make([]query, 0, maxQueries)
	c.object(from, c.top)
	return c.cuts, c.err
}

// cutter passes the document once. On its way down, each object's members have a visitor, named after the object.
type cutter struct {
	scanner
	cuts
	time float64 // of the query that is being passed
}

func (c *cutter) top(name []byte, i int) int {
	switch {
	case spells(name, "xhprof"):
		c.functions = span{}
		return c.within(i, c.xhprof)
	case spells(name, "sql"):
		c.queries = span{}
		return c.within(i, c.sql)
	}
	return c.value(i)
}

func (c *cutter) xhprof(name []byte, i int) int {
	if spells(name, "profiling") {
		c.functions = span{}
		return c.within(i, c.profiling)
	}
	return c.value(i)
}

func (c *cutter) profiling(name []byte, i int) int {
	if spells(name, "top_functions") {
		return c.topFunctions(i)
	}
	return c.value(i)
}

func (c *cutter) sql(name []byte, i int) int {
	if spells(name, "queries") {
		return c.allQueries(i)
	}
	return c.value(i)
}

func (c *cutter) query(name []byte, i int) int {
	end := c.value(i)
	if spells(name, "time_ms") {
		c.time = number(c.doc[i:end])
	}
	return end
}

// within visits the members of the value at i if it is an object, and else just passes it.
func (c *cutter) within(i int, visit func(name []byte, i int) int) int {
	if c.at(i) != '{' {
		return c.value(i)
	}
	return c.object(i, visit)
}

func (c *cutter) topFunctions(i int) int {
	c.functions = span{}
	count, kept := 0, 0
	end := c.entries(i, func(i int) int {
		i = c.value(i)
		if count++; count == maxFunctions {
			kept = i
		}
		return i
	})
	if count > maxFunctions {
		c.functions = span{kept, end - 1}
	}
	return end
}

func (c *cutter) allQueries(i int) int {
	c.queries = span{}
	c.slowest = c.slowest[:0]
	count := 0
	visit := c.query // made once, not for each of many
	end := c.entries(i, func(i int) int {
		count++
		c.time = 0
		end := c.within(i, visit)
		c.keep(query{span{i, end}, c.time})
		return end
	})
	if count > maxQueries {
		c.queries = span{i, end}
	}
	return end
}

// entries visits the values of the list or the map at i; anything else it just passes.
func (s *scanner) entries(i int, visit func(i int) int) int {
	switch s.at(i) {
	case '{':
		return s.object(i, func(_ []byte, i int) int { return visit(i) })
	case '[':
		return s.array(i, visit)
	}
	return s.value(i)
}

// keep holds q if it is among the slowest so far.
func (c *cutter) keep(q query) {
	full := len(c.slowest) == maxQueries
	if full && q.time <= c.slowest[maxQueries-1].time {
		return
	}
	if full {
		c.slowest = c.slowest[:maxQueries-1]
	}
	place := sort.Search(len(c.slowest), func(i int) bool { return c.slowest[i].time < q.time })
	c.slowest = slices.Insert(c.slowest, place, q)
}
