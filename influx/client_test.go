package influx

import (
	"net"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// InfluxDB's own command line, Debian's 1.6.
func TestInfluxClient(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("influx")
	if err != nil {
		t.Skip("influx is not installed: apt-get install influxdb-client")
	}
	d := embedded(t)
	host, port, err := net.SplitHostPort(strings.TrimPrefix(d.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	d.write(t, "invocation,function=hello,instance=a duration_ms=1.5,ok=true 1000\ninvocation,function=hello,instance=b duration_ms=2.5,ok=false 2000")
	tests := []struct{ execute, want string }{
		{"select count(duration_ms) from invocation", "name,time,count\ninvocation,0,2\n"},
		{"show databases", "name,name\ndatabases,ephor\n"},
		{"show measurements", "name,name\nmeasurements,invocation\n"},
		{"show tag keys", "name,tagKey\ninvocation,function\ninvocation,instance\n"},
		{
			"select * from invocation",
			"name,time,duration_ms,function,instance,ok\ninvocation,1000,1.5,hello,a,true\ninvocation,2000,2.5,hello,b,false\n",
		},
		{"insert inserted,host=a v=1 5", ""},
		{"select * from inserted", "name,time,host,v\ninserted,5,a,1\n"},
		{"create database other; drop database other", ""},
		{"create retention policy week on ephor duration 7d replication 1", ""},
	}
	for _, test := range tests {
		cmd := exec.Command(program, "-host", host, "-port", port, "-database", "ephor", "-format", "csv", "-execute", test.execute)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", test.execute, err, out)
			continue
		}
		if diff := cmp.Diff(test.want, string(out)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.execute, diff)
		}
	}
}
