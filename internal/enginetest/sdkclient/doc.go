// Package sdkclient has the CloudEvents SDK's client send events to httphost,
// as everybody sends them who uses that SDK. It holds tests alone; they are
// apart from the root's module because the client links what no user needs.
package sdkclient
