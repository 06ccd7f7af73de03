package apigateway

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// mock is a MOCK integration: an answer without a function, as the preflight requests of CORS get
// it. Mapping templates are not run, so what it says is fixed:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-mock-integration.html
type mock struct {
	status  int
	headers [][2]string
	body    string
}

var (
	// mockTemplate is {"statusCode": 200}, also without the quotes, as templates are often made.
	mockTemplate = regexp.MustCompile(`^\s*\{\s*"?statusCode"?\s*:\s*([1-5][0-9]{2})\s*\}\s*$`)
	// mockHeader is where a response parameter puts its value.
	mockHeader = regexp.MustCompile(`^method\.response\.header\.([\w-]+)$`)
)

func newMock(m Method) (*mock, error) {
	bad := func(format string, args ...any) (*mock, error) {
		return nil, badRequest("MOCK integration of "+m.HTTPMethod+": "+format, args...)
	}
	in := m.MethodIntegration
	selected := ""
	for _, text := range in.RequestTemplates {
		found := mockTemplate.FindStringSubmatch(text)
		if found == nil {
			return bad(`the laptop runs no mapping templates; RequestTemplates can be {"statusCode": 200}, not %q`, text)
		}
		if selected != "" && selected != found[1] {
			return bad("RequestTemplates select two different status codes")
		}
		selected = found[1]
	}
	if selected == "" {
		return bad(`it needs a RequestTemplate such as {"statusCode": 200}`)
	}
	var answer *IntegrationResponse
	for _, r := range values(in.Responses) {
		if r.SelectionPattern == "" && answer == nil {
			answer = &r
		}
		if r.SelectionPattern != "" {
			pattern, err := regexp.Compile("^(?:" + r.SelectionPattern + ")$")
			if err != nil {
				return bad("SelectionPattern %q: %v", r.SelectionPattern, err)
			}
			if pattern.MatchString(selected) {
				answer = &r
				break
			}
		}
	}
	if answer == nil {
		return bad("no IntegrationResponse fits status %s", selected)
	}
	declared, ok := m.MethodResponses[answer.StatusCode]
	if !ok {
		return bad("there is no MethodResponse for status %s", answer.StatusCode)
	}
	out := &mock{}
	status, err := strconv.Atoi(answer.StatusCode)
	if err != nil || status < 200 || status > 599 {
		return bad("StatusCode %q is none", answer.StatusCode)
	}
	out.status = status
	for name, value := range answer.ResponseParameters {
		header := mockHeader.FindStringSubmatch(name)
		text, quoted := strings.CutPrefix(value, "'")
		text, closed := strings.CutSuffix(text, "'")
		if header == nil || !quoted || !closed {
			return bad("ResponseParameters %s: %s: the laptop takes method.response.header.NAME with a value in single quotes", name, value)
		}
		if _, ok := declared.ResponseParameters[name]; !ok {
			return bad("ResponseParameters %s: the MethodResponse for status %s does not declare it", name, answer.StatusCode)
		}
		out.headers = append(out.headers, [2]string{header[1], text})
	}
	for kind, text := range answer.ResponseTemplates {
		if strings.ContainsAny(text, "$#") {
			return bad("ResponseTemplates %s: the laptop runs no mapping templates", kind)
		}
		if kind == "application/json" {
			out.body = text
		}
	}
	return out, nil
}

// allowOrigin is what the mock says in Access-Control-Allow-Origin.
func (m *mock) allowOrigin() string {
	for _, h := range m.headers {
		if strings.EqualFold(h[0], "Access-Control-Allow-Origin") {
			return h[1]
		}
	}
	return ""
}

func (m *mock) response() response {
	return response{status: m.status, headers: m.headers, body: []byte(m.body), contentType: "application/json"}
}

// admitsOrigin says that a mock that answers a preflight request lets an origin in.
func (m *mock) admitsOrigin(r *http.Request) bool {
	allowed := m.allowOrigin()
	return allowed == "*" || allowed != "" && strings.EqualFold(allowed, r.Header.Get("Origin"))
}
