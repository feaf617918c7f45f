import { describe, expect, test } from 'vitest';
import { whatAnswered } from '../../../../../src/remotes/sftp/ssh/what-answered.ts';

const LIMIT = 8192;
const answered = (text: string, encoding: BufferEncoding = 'latin1') =>
  whatAnswered(Buffer.from(text, encoding), LIMIT);

describe('what answered', () => {
  test.each([
    ['HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n', 'an HTTP server (HTTP/1.1 400 Bad Request)'],
    ['<!DOCTYPE HTML PUBLIC "-//W3C//DTD">\n<html>', 'a web server (<!DOCTYPE HTML PUBLIC "-//W3C//DTD">)'],
    ['<html>\r\n<head><title>400', 'a web server (<html>)'],
    ['220 mail.example ESMTP Postfix\r\n', 'an SMTP server (220 mail.example ESMTP Postfix)'],
    ['554 smtp.example refuses\r\n', 'an SMTP server (554 smtp.example refuses)'],
    ['220 (vsFTPd 3.0.5)\r\n', 'an FTP server (220 (vsFTPd 3.0.5))'],
    ['220-Welcome\r\n220 ready\r\n', 'an FTP or SMTP server (220-Welcome)'],
    ['421 Too many users\r\n', 'an FTP or SMTP server (421 Too many users)'],
    ['+OK POP3 ready\r\n', 'a POP3 server (+OK POP3 ready)'],
    ['* OK IMAP4rev1 ready\r\n', 'an IMAP server (* OK IMAP4rev1 ready)'],
    ['RFB 003.008\n', 'a VNC server (RFB 003.008)'],
    ['@RSYNCD: 31.0\n', 'an rsync server (@RSYNCD: 31.0)'],
    ["-ERR unknown command 'SSH'\r\n", "a Redis server (-ERR unknown command 'SSH')"],
    ['\x15\x03\x01\x00\x02\x02\x46', 'a TLS server, as of HTTPS'],
    ['\x15\x03\x03\x00\x02\x02\x32', 'a TLS server, as of HTTPS'],
    ['\x4a\0\0\0\x0a8.0.36\0', 'a MySQL server'],
    ['\xff\xfd\x18\xff\xfd\x20', 'a Telnet server'],
    ['SSH-1.5-OldServer\n', 'a server of SSH version 1.5'],
    ['Welcome\r\nSSH-1.5-OldServer\n', 'a server of SSH version 1.5'],
    ['SSH-3.0-x\n', 'a server of SSH version 3.0'],
    ['\0\x01\x02\x03', 'something that sends binary data'],
    ['\x93\xc8\xe1\xfa\x8c\x8d\x9e\xf0\xb5', 'something that sends binary data'],
    ['x'.repeat(1100), `something that sends a line without end (${'x'.repeat(80)}…)`],
    [`${'y'.repeat(79)}\n`.repeat(110).slice(0, LIMIT), `something that sends text without end (${'y'.repeat(79)})`],
    ['HTTP/1.1 400 \x1b[31mNo\r\n', 'an HTTP server (HTTP/1.1 400 \\x1b[31mNo)'],
  ])('%j: %s', (text, what) => {
    expect(answered(text)).toBe(what);
  });

  test.each([
    'SSH-2.0-OpenSSH_9.2\r\n',
    'SSH-1.99-Cisco-1.25\n',
    'SSH-2.0-no end yet',
    'SSH-',
    'Exceeded MaxStartups\r\n',
    'Not allowed at this time\r\n',
    'Welcome\r\nto this server\r\nSSH-2.0-x\r\n',
    'Acc\xe8s r\xe9serv\xe9\r\n',
    'a',
    '',
  ])('%j may still be an SSH server', (text) => {
    expect(answered(text)).toBeUndefined();
  });

  test('an SSH server may send text in any encoding first', () => {
    expect(answered('Нет доступа посторонним\r\n', 'utf8')).toBeUndefined();
    expect(whatAnswered(Buffer.from('Нет доступа посторонним').subarray(0, 9), LIMIT)).toBeUndefined();
  });
});
