package tests

import (
	"bytes"
	"encoding/base64"
	"html"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// visit is one request: what to GET or, with a form, to POST. {name} in the form is the value
// of the last document's field or JSON key of that name.
type visit struct {
	what   string
	status int
	url    string
	form   string
	upload string // the field of the picture that goes with the form
}

const mw, dw = "/mw/index.php?title=", "/dw/doku.php?id="

// visits are to both applications. Their order matters: each one finds what those before it have left.
var visits = []visit{
	{what: "front door", status: 301, url: "/mw/index.php"},
	{what: "main page", status: 200, url: mw + "Main_Page"},
	{what: "version", status: 200, url: mw + "Special:Version"},
	{what: "all pages", status: 200, url: mw + "Special:AllPages"},
	{what: "statistics", status: 200, url: mw + "Special:Statistics"},
	{what: "nothing there", status: 404, url: mw + "Nothing_there"},
	{what: "a bad title", status: 404, url: mw + "%5B%5D"},
	{what: "not allowed", status: 200, url: mw + "Special:Block"},
	{what: "start module", status: 200, url: "/mw/load.php?lang=en&modules=startup&only=scripts&raw=1&skin=vector"},
	{what: "styles", status: 200, url: "/mw/load.php?lang=en&modules=skins.vector.styles.legacy&only=styles&skin=vector"},
	{what: "modules", status: 200, url: "/mw/load.php?lang=en&modules=jquery%7Cmediawiki.base&skin=vector"},
	{what: "login form", status: 200, url: mw + "Special:UserLogin"},
	{what: "wrong password", status: 200, url: mw + "Special:UserLogin",
		form: "wpName=Admin&wpPassword=wrong&wpLoginToken={wpLoginToken}&title=Special:UserLogin&authAction=login&force="},
	{what: "login", status: 302, url: mw + "Special:UserLogin&returnto=Main+Page",
		form: "wpName=Admin&wpPassword=a-long-password-1&wpLoginToken={wpLoginToken}&title=Special:UserLogin&authAction=login&force="},
	{what: "after the login", status: 200, url: mw + "Main_Page"},
	{what: "preferences", status: 200, url: mw + "Special:Preferences"},
	{what: "edit form", status: 200, url: mw + "Notes&action=edit"},
	{what: "preview", status: 200, url: mw + "Notes&action=submit", form: "wpTextbox1=Some+'''words'''&wpSummary=new&wpPreview=1" + edit},
	{what: "save", status: 302, url: mw + "Notes&action=submit", form: "wpTextbox1=Some+'''words'''&wpSummary=new&wpSave=1" + edit},
	{what: "the page", status: 200, url: mw + "Notes"},
	{what: "edit form again", status: 200, url: mw + "Notes&action=edit"},
	{what: "second save", status: 302, url: mw + "Notes&action=submit",
		form: "wpTextbox1=%3D%3D+Head+%3D%3D%0A*+one%0A*+two+[[Main+Page]]%0A{|%0A|+a%0A|}&wpSummary=more&wpSave=1" + edit},
	{what: "its history", status: 200, url: mw + "Notes&action=history"},
	{what: "difference", status: 200, url: mw + "Notes&diff=cur&oldid=prev"},
	{what: "source", status: 200, url: mw + "Notes&action=raw"},
	{what: "what links here", status: 200, url: mw + "Special:WhatLinksHere/Main_Page"},
	{what: "upload form", status: 200, url: mw + "Special:Upload"},
	{what: "upload", status: 302, url: mw + "Special:Upload", upload: "wpUploadFile",
		form: "wpDestFile=Dot.png&wpUploadDescription=a+dot&wpUpload=Upload&wpSourceType=file&wpIgnoreWarning=1&wpEditToken={wpEditToken}"},
	{what: "the file's page", status: 200, url: mw + "File:Dot.png"},
	{what: "the files", status: 200, url: mw + "Special:ListFiles"},
	{what: "tokens", status: 200, url: "/mw/api.php?action=query&meta=tokens&format=json"},
	{what: "edit by the API", status: 200, url: "/mw/api.php",
		form: "action=edit&title=Remote&text=by+a+program&format=json&token={csrftoken}"},
	{what: "siteinfo", status: 200, url: "/mw/api.php?action=query&meta=siteinfo&siprop=general%7Cnamespaces&format=json"},
	{what: "parse", status: 200, url: "/mw/api.php?action=parse&page=Notes&format=json"},
	{what: "unknown action", status: 200, url: "/mw/api.php?action=dance&format=json"},
	{what: "search", status: 200, url: mw + "Special:Search&search=words&fulltext=1"},
	{what: "changes", status: 200, url: mw + "Special:RecentChanges"},
	{what: "feed", status: 200, url: "/mw/api.php?action=feedrecentchanges&feedformat=atom"},
	{what: "deletion form", status: 200, url: mw + "Remote&action=delete"},
	{what: "deletion", status: 200, url: mw + "Remote&action=delete", form: "wpReason=done&wpConfirmB=1&wpEditToken={wpEditToken}"},
	{what: "logout form", status: 200, url: mw + "Special:UserLogout"},
	{what: "logout", status: 200, url: mw + "Special:UserLogout", form: "wpEditToken={wpEditToken}"},
	{what: "after the logout", status: 200, url: mw + "Notes"},

	{what: "DokuWiki", status: 200, url: dw + "start"},
	{what: "syntax", status: 200, url: dw + "wiki:syntax"},
	{what: "nothing there", status: 200, url: dw + "nothing"},
	{what: "index", status: 200, url: dw + "start&do=index"},
	{what: "styles", status: 200, url: "/dw/lib/exe/css.php?t=dokuwiki"},
	{what: "scripts", status: 200, url: "/dw/lib/exe/js.php?t=dokuwiki"},
	{what: "login form", status: 200, url: dw + "start&do=login"},
	{what: "wrong password", status: 403, url: dw + "start", form: "do=login&u=admin&p=wrong&sectok={sectok}"},
	{what: "login", status: 302, url: dw + "start", form: "do=login&u=admin&p=secret&sectok={sectok}"},
	{what: "after the login", status: 200, url: dw + "start"},
	{what: "edit form", status: 200, url: dw + "notes&do=edit"},
	{what: "preview", status: 200, url: dw + "notes", form: "do[preview]=1&summary=new&wikitext=======+Head+======%0ASome+**words**" + dokuEdit},
	{what: "save", status: 302, url: dw + "notes", form: "do[save]=1&summary=new&wikitext=======+Head+======%0ASome+**words**" + dokuEdit},
	{what: "the page", status: 200, url: dw + "notes"},
	{what: "source", status: 200, url: dw + "notes&do=export_raw"},
	{what: "revisions", status: 200, url: dw + "notes&do=revisions"},
	{what: "changes", status: 200, url: dw + "notes&do=recent"},
	{what: "search", status: 200, url: dw + "start&do=search&q=words"},
	{what: "media", status: 200, url: dw + "start&do=media&ns="},
	{what: "upload", status: 200, url: "/dw/lib/exe/mediamanager.php?ns=wiki", upload: "upload",
		form: "mediaid=dot.png&ns=wiki&ow=1&do=upload&sectok={sectok}"},
	{what: "the file", status: 200, url: "/dw/lib/exe/fetch.php?media=wiki:dot.png"},
	{what: "a smaller one, without its token", status: 412, url: "/dw/lib/exe/fetch.php?media=wiki:dokuwiki-128.png&w=16"},
	{what: "feed", status: 200, url: "/dw/feed.php"},
	{what: "administration", status: 200, url: dw + "start&do=admin"},
	{what: "settings", status: 200, url: dw + "start&do=admin&page=config"},
	{what: "the indexer", status: 200, url: "/dw/lib/exe/taskrunner.php?id=notes"},
	{what: "before the logout", status: 200, url: dw + "notes"},
	{what: "logout", status: 302, url: dw + "start&do=logout&sectok={sectok}"},
}

const (
	edit = "&wpEditToken={wpEditToken}&wpStarttime={wpStarttime}&wpEdittime={wpEdittime}&editRevId={editRevId}" +
		"&parentRevId={parentRevId}&oldid={oldid}&model=wikitext&format=text/x-wiki&wpUltimateParam=1&wpUnicodeCheck=%E2%84%B3%F0%9D%92%B2%E2%99%A5%F0%9D%93%8A%F0%9D%93%83%F0%9D%92%BE%F0%9D%92%B8%E2%84%B4%F0%9D%92%B9%E2%84%AF"
	dokuEdit = "&sectok={sectok}&id=notes&rev={rev}&date={date}&prefix={prefix}&suffix={suffix}&changecheck={changecheck}&target=section"
)

// dot is a picture of one pixel.
var dot, _ = base64.StdEncoding.DecodeString(
	"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")

// visit makes the request and returns the answer as one text.
func (s *site) visit(v visit) string {
	s.t.Helper()
	status, text := s.response(s.request(v))
	if status != v.status {
		s.t.Fatalf("%s, %s: status %d, want %d\n%.3000s", s.profiler, v.what, status, v.status, text)
	}
	return text
}

func (s *site) request(v visit) *http.Request {
	s.t.Helper()
	address := "http://" + appHost + s.filled(v.url)
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, address, nil)
	if v.form == "" {
		check(s.t, err)
		return request
	}
	values, err := url.ParseQuery(s.filled(v.form))
	check(s.t, err)
	body, kind := bytes.NewBufferString(values.Encode()), "application/x-www-form-urlencoded"
	if v.upload != "" {
		body, kind = multipartOf(s.t, values, v.upload)
	}
	request, err = http.NewRequestWithContext(s.t.Context(), http.MethodPost, address, body)
	check(s.t, err)
	request.Header.Set("Content-Type", kind)
	return request
}

func multipartOf(t *testing.T, values url.Values, field string) (*bytes.Buffer, string) {
	t.Helper()
	body := new(bytes.Buffer)
	w := multipart.NewWriter(body)
	for name := range values {
		check(t, w.WriteField(name, values.Get(name)))
	}
	file, err := w.CreateFormFile(field, "dot.png")
	check(t, err)
	_, err = file.Write(dot)
	check(t, err)
	check(t, w.Close())
	return body, w.FormDataContentType()
}

var placeholder = regexp.MustCompile(`\{\w+\}`)

func (s *site) filled(text string) string {
	s.t.Helper()
	return placeholder.ReplaceAllStringFunc(text, func(name string) string {
		return url.QueryEscape(s.field(strings.Trim(name, "{}")))
	})
}

var (
	inputs    = regexp.MustCompile(`<input[^>]*>`)
	attribute = regexp.MustCompile(`(name|value)=(?:"([^"]*)"|'([^']*)')`)
)

// field is the value of a form's field, or of a key in JSON, of the last document.
func (s *site) field(name string) string {
	s.t.Helper()
	for _, input := range inputs.FindAllString(s.last, -1) {
		found := map[string]string{}
		for _, match := range attribute.FindAllStringSubmatch(input, -1) {
			found[match[1]] = html.UnescapeString(match[2] + match[3])
		}
		if found["name"] == name {
			return found["value"]
		}
	}
	if match := regexp.MustCompile(`"` + name + `":"([^"]*)"`).FindStringSubmatch(s.last); match != nil {
		return strings.ReplaceAll(match[1], `\\`, `\`)
	}
	s.t.Fatalf("%s: no field %s in\n%.3000s", s.profiler, name, s.last)
	return ""
}
