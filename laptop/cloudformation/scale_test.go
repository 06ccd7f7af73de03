package cloudformation

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// wide is a template of n resources, each tenth of them needed by the nine after it.
func wide(n int) string {
	var b strings.Builder
	b.WriteString("Resources:\n")
	for i := range n {
		if i%10 == 0 {
			fmt.Fprintf(&b, " R%d: {Type: Test::Memory::Thing}\n", i)
		} else {
			fmt.Fprintf(&b, " R%d: {Type: Test::Memory::Thing, DependsOn: R%d}\n", i, i-i%10)
		}
	}
	return b.String()
}

func TestAThousandResources(t *testing.T) {
	t.Parallel()
	text := wide(1000)
	f := start(t, func(c *Config) { c.Templates = fixedTemplate(text) })
	f.post("CreateStack", "StackName", "S", "TemplateURL", "https://s3.us-east-1.amazonaws.com/b/k")
	if got := f.settle("S"); got != createComplete || len(f.memory.values()) != 1000 {
		t.Fatalf("status %s with %d resources", got, len(f.memory.values()))
	}
	f.again()
	f.restore()
	if got := f.remove("S"); got != deleteComplete || len(f.memory.values()) != 0 {
		t.Fatalf("status %s with %d resources", got, len(f.memory.values()))
	}
}

type fixedTemplate string

func (t fixedTemplate) Template(context.Context, string) ([]byte, error) { return []byte(t), nil }

func BenchmarkConverge(b *testing.B) {
	for _, n := range []int{10, 100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			text := wide(n)
			s, err := Open(Config{Dir: b.TempDir(), Providers: map[string]Provider{thingType: newMemory()}, Templates: fixedTemplate(text)})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close(b.Context())
			for i := 0; b.Loop(); i++ {
				name := fmt.Sprintf("S%d", i)
				body := "Action=CreateStack&StackName=" + name + "&TemplateURL=x"
				r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				s.ServeHTTP(httptest.NewRecorder(), r)
				s.work.Wait()
				if st := s.find(name); st == nil || st.Status != createComplete {
					b.Fatalf("%+v", st)
				}
			}
		})
	}
}

// Whatever is posted gets an answer in the query protocol.
func FuzzServe(f *testing.F) {
	for _, seed := range []string{
		"Action=DescribeStacks&Version=2010-05-15",
		"Action=CreateChangeSet&StackName=S&ChangeSetName=x&ChangeSetType=CREATE&TemplateBody=Resources:+{A:+{Type:+Test::Memory::Thing}}&Parameters.member.1.ParameterKey=P",
		"Action=CreateStack&StackName=S&TemplateBody=Resources:+{A:+{Type:+AWS::IAM::Role}}&Capabilities.member.1=CAPABILITY_IAM",
		"Action=ExecuteChangeSet&ChangeSetName=arn:x", "Action=ListImports", "Action=DeleteStack&StackName=S&RetainResources.member.9=A", "%",
	} {
		f.Add(seed)
	}
	s, err := Open(Config{Dir: f.TempDir(), Providers: map[string]Provider{thingType: newMemory()}})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		if err := s.Close(f.Context()); err != nil {
			f.Error(err)
		}
	})
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if text := w.Body.String(); !strings.Contains(text, namespace) || w.Code >= 500 {
			t.Fatalf("%q: %d %s", body, w.Code, text)
		}
	})
}
