package logs

import (
	"strings"
	"testing"
)

func TestPatterns(t *testing.T) {
	t.Parallel()
	f := func(pattern, message string, want bool) {
		t.Helper()
		p, err := ParsePattern(pattern)
		if err != nil {
			t.Errorf("%s: %v", pattern, err)
			return
		}
		if got := p.Match(message); got != want {
			t.Errorf("%s on %s: %v", pattern, message, got)
		}
	}
	// The examples of
	// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
	f("", "anything", true)
	f("  ", "anything", true)
	f("ERROR", "[ERROR] A fatal exception has occurred", true)
	f("ERROR", "Exiting with ERRORCODE: -1", true)
	f("ERROR", "error", false)
	f(`ERROR -"Exiting"`, "Exiting with ERRORCODE: -1", false)
	f(`ERROR -Exiting`, "[ERROR] A fatal exception has occurred", true)
	f("ERROR Exception", "[ERROR] Caught IllegalArgumentException", true)
	f("ERROR Exception", "[ERROR] Caught", false)
	f(`"Failed to process"`, "[WARN] Failed to process the request", true)
	f(`"Failed to process"`, "process Failed to", false)
	f(`"say \"hi\" \\ \n"`, `they say "hi" \ \n twice`, true)
	f("?ERROR ?WARN", "WARN message", true)
	f("?ERROR ?WARN", "INFO message", false)
	f("?ERROR ?WARN -message", "WARN message", false)
	f("INFO ?ERROR", "INFO message", true)
	f("-DEBUG", "INFO", true)
	f("%AUTHORI[SZ]ED%", "UNAUTHORISED", true)
	f("%^[hc]at%", "a hat", false)
	f("%4[0-9]{2}$% GET", "GET / 404", true)

	const record = `{"eventType": "UpdateTrail", "sourceIPAddress": "111.111.111.111", "arrayKey": ["value", "another value"],
		"objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}], "SomeObject": null, "ThisFlag": true, "latency": 550.5,
		"errorCode": 400, "a b": {"c-d": "x"}, "big": 1e400, "user": {"id": 1, "email": "John.Stiles@example.com"},
		"users": [{"id": 2, "email": "John.Doe@example.com"}], "actions": ["GET", "PUT", "DELETE"], "coordinates": [[0, 1, 2], [4, 5, 6]]}`
	j := func(condition string, want bool) {
		t.Helper()
		f("{ "+condition+" }", record, want)
	}
	j(`$.eventType = "UpdateTrail"`, true)
	j(`$.eventType = UpdateTrail`, true)
	j(`$.eventType = "Update*"`, true)
	j(`$.eventType = *Trail`, true)
	j(`$.eventType = *eT*`, true)
	j(`$.eventType = "Up*Trail"`, false)
	j(`$.eventType = *`, true)
	j(`$.eventType = %^Up%`, true)
	j(`$.eventType != %^Up%`, false)
	j(`$.sourceIPAddress != 123.123.*`, true)
	j(`$.sourceIPAddress != 111.111.*`, false)
	j(`$.arrayKey[0] = "value"`, true)
	j(`$.arrayKey[7] = "value"`, false)
	j(`$.arrayKey[*] = "another value"`, true)
	j(`$.arrayKey = "value"`, false)
	j(`$.arrayKey != "value"`, false)
	j(`$.objectList[1].id = 2`, true)
	j(`$.objectList[*].name = b`, true)
	j(`$.eventType[0] = "U"`, false)
	j(`$.SomeObject IS NULL`, true)
	j(`$.ThisFlag IS NULL`, false)
	j(`$.SomeOtherObject NOT EXISTS`, true)
	j(`$.SomeObject not exists`, false)
	j(`$.ThisFlag IS TRUE`, true)
	j(`$.ThisFlag IS FALSE`, false)
	j(`$.missing != "x"`, false)
	j(`$.latency > 500`, true)
	j(`$.latency >= 550.5`, true)
	j(`$.latency < +10e3`, true)
	j(`$.latency <= -1`, false)
	j(`$.eventType > 1`, false)
	j(`$.errorCode = 400`, true)
	j(`$.errorCode = 4e2`, true)
	j(`$.errorCode = 4*`, true)
	j(`$.errorCode != 500`, true)
	j(`$.big = *`, true)
	j(`$["a b"].c-d = x`, true)
	j(`$.user.* = 1`, true)
	j(`($.user.id = 1) && ($.users[0].email = "John.Doe@example.com")`, true)
	j(`($.user.id = 2 && $.users[0].email = "nonmatch") || $.actions[2] = "GET"`, false)
	j(`$.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = nonmatch && $.actions[2] = nomatch`, true)
	j(`($.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = nonmatch) && $.actions[2] = nomatch`, false)
	f(`{$.a=1||$.b=2}`, `{"b": 2}`+"\n", true)
	f(`{ $.a = 1 }`, `{"a": 1} and more`, false)
	f(`{ $.a = 1 }`, `["a"]`, false)
	f(`{ $.a NOT EXISTS }`, `no JSON`, false)

	const access = `127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534`
	f("[ip, user, username, timestamp, request, status_code, bytes]", access, true)
	f("[ip, user, username, timestamp, request, status_code]", access, false)
	f("[ip, user, username, timestamp, request, status_code, bytes > 1000]", access, true)
	f("[ip, user, username, timestamp, request = *html*, status_code = 4*, bytes]", access, true)
	f("[ip, user, username, timestamp, request, status_code = 4* && status_code != 404, bytes]", access, false)
	f("[..., status_code = 404, bytes]", access, true)
	f("[ip, user, ..., status_code = 200 || status_code = 404, bytes]", access, true)
	f(`[ip = "127.0.0.1", ...]`, access+"\n", true)
	f("[..., request = *.html*, status_code = 4*,]", access, true)
	f("[w1 = ERROR, w2]", "ERROR message", true)
	f("[w1 != ERROR && w1 != WARN, w2]", "WARN message", false)
	f("[a, ..., b, c]", "one two", false)
}

func TestBadPatterns(t *testing.T) {
	t.Parallel()
	f := func(pattern, text string) {
		t.Helper()
		_, err := ParsePattern(pattern)
		wants(t, err, "InvalidParameterException", text)
	}
	f("task/timeout", "Invalid character(s) in term 'task/timeout'")
	f("- foo", "a term is missing after its mark, at character 2")
	f(`a "b`, "a quote is opened and not closed, at character 3")
	f(`""`, "a phrase is empty")
	f("%a", "not closed")
	f("%(a)%", `may not have "(", at character 2`)
	f("%[a%", "is not a regular expression")
	f("%%", "is not a regular expression")
	f("%a% %b% %c%", "more than 2 regular expressions")
	f("{ $.a = 1", "the closing } is missing, at character 10")
	f("{ $.a = 1 } x", "something follows")
	f("{ a = 1 }", "a property is missing; it begins with $, at character 3")
	f("{ $ = 1 }", "name is missing after $")
	f("{ $. = 1 }", "a property's name is missing")
	f("{ $.ä = 1 }", "a property's name is missing")
	f("{ $.a[x] = 1 }", "brackets hold")
	f("{ $.a[99999999999999999999] = 1 }", "brackets hold")
	f("{ $.a[1 = 1 }", "a bracket is opened")
	f("{ $.a }", "one of = != < > <= >= is missing")
	f("{ $.a = }", "a value is missing")
	f("{ $.a = ü }", "a value is missing")
	f("{ $.a > x }", "> compares with a number, at character 9")
	f("{ $.a IS MAYBE }", "NULL, TRUE or FALSE")
	f("{ $.a NOT THERE }", "EXISTS")
	f("{ ($.a = 1 }", "a parenthesis is opened")
	f("{ $.a = 1 && }", "a property is missing")
	f("[a, b", "a comma or the closing ] is missing")
	f("[..., a, ...]", "a second ellipsis")
	f("[a = 1 && b = 2]", "the field a has a condition on b")
	f("[a] b", "something follows")
	f("[= 1]", "a field's name is missing")
	f(strings.Repeat("ä", maxPattern+1), "1025 characters")
	f("a\xff", "UTF-8")
}

// FuzzPattern: a pattern is refused with a reason or can be used.
func FuzzPattern(f *testing.F) {
	for _, seed := range []string{"ERROR -x ?y", `"a b" %c+%`, `{ ($.a[0].b = "x*" || $.c IS NULL) && $.d NOT EXISTS }`, `[a, b = 4* && b > 1, ...]`, `{$.a<1e3}`} {
		f.Add(seed, `{"a": [{"b": "xy"}], "c": null}`)
	}
	f.Fuzz(func(t *testing.T, pattern, message string) {
		p, err := ParsePattern(pattern)
		if err == nil {
			p.Match(message)
			return
		}
		wants(t, err, "InvalidParameterException", "nvalid")
	})
}
