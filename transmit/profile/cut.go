package profile

import (
	"slices"
	"sort"
)

// What is left of a document that is too large.
const (
	maxFunctions = 50  // of xhprof.profiling.top_functions
	maxQueries   = 100 // of sql.queries
)

// Cuts is what a document loses when it is too large. The zero value cuts nothing.
type Cuts struct {
	functions span    // the functions that go, with the comma before them
	queries   span    // the list or map of queries that goes; slowest stays in its place
	slowest   []query // slowest first, ties in their old order
	room      [maxQueries]query
}

type query struct {
	text span
	time float64 // milliseconds
}

func (c *Cuts) Marks() Marks {
	return Marks{Truncated: c.functions.to > 0, SQLTruncated: c.queries.to > 0}
}

// FindCuts finds what to cut from doc, a JSON object that starts at from, which was not checked. Errors are those of Check.
func FindCuts(doc []byte, from int, until Limit) (*Cuts, error) {
	found := new(Cuts)
	v := visitor{scanner: newScanner(doc, until), Cuts: found}
	v.object(from, v.top)
	return found, v.err
}

// visitor passes a document once and notes its outline and, unless Cuts is nil, what to cut. On its way down, each
// object's members have a method, named after the object. A list and a map are cut alike. Where a name occurs twice,
// the last one counts, as it does for decoders; where a value is of another type, nothing is cut.
type visitor struct {
	scanner
	outline Outline
	*Cuts
}

func (v *visitor) top(name []byte, i int) int {
	v.outline.empty = false
	switch {
	case spells(name, `"_meta"`):
		end := v.value(i)
		v.outline.meta = span{i, end}
		return end
	case v.Cuts == nil:
	case spells(name, `"xhprof"`):
		v.functions = span{}
		return v.within(i, v.xhprof)
	case spells(name, `"sql"`):
		v.queries = span{}
		return v.within(i, v.sql)
	}
	return v.value(i)
}

func (v *visitor) xhprof(name []byte, i int) int {
	if spells(name, `"profiling"`) {
		v.functions = span{}
		return v.within(i, v.profiling)
	}
	return v.value(i)
}

func (v *visitor) profiling(name []byte, i int) int {
	if spells(name, `"top_functions"`) {
		return v.topFunctions(i)
	}
	return v.value(i)
}

func (v *visitor) sql(name []byte, i int) int {
	if spells(name, `"queries"`) {
		return v.allQueries(i)
	}
	return v.value(i)
}

// within visits the members of the value at i if it is an object, and else just passes it.
func (v *visitor) within(i int, visit func(name []byte, i int) int) int {
	if v.at(i) != '{' {
		return v.value(i)
	}
	return v.object(i, visit)
}

func (v *visitor) topFunctions(i int) int {
	v.functions = span{}
	count, kept := 0, 0
	end := v.entries(i, func(i int) int {
		i = v.value(i)
		if count++; count == maxFunctions {
			kept = i
		}
		return i
	})
	if count > maxFunctions {
		v.functions = span{kept, end - 1}
	}
	return end
}

func (v *visitor) allQueries(i int) int {
	v.queries = span{}
	v.slowest = v.room[:0]
	count := 0
	end := v.entries(i, func(i int) int {
		count++
		return v.query(i)
	})
	if count > maxQueries {
		v.queries = span{i, end}
	}
	return end
}

func (v *visitor) query(i int) int {
	time, end := v.time(i)
	v.keep(query{span{i, end}, number(time.of(v.doc))})
	return end
}

// time passes a query and returns where its time_ms is, nowhere if it has none. There may be a hundred thousand of
// them, so it is object and its visitor in one.
func (v *visitor) time(i int) (time span, end int) {
	if v.at(i) != '{' {
		return time, v.value(i)
	}
	i, more := v.enter(i, '}')
	for more {
		name, value := v.name(i)
		if v.at(value) <= ' ' {
			value, _ = v.space(value)
		}
		if v.at(value) == '"' {
			i = v.text(value)
		} else {
			i = v.value(value)
		}
		if spells(name.of(v.doc), `"time_ms"`) {
			time = span{value, i}
		}
		if v.at(i) == ',' {
			i++
			continue
		}
		i, more = v.next(i, '}')
	}
	return time, i
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
func (c *Cuts) keep(q query) {
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
