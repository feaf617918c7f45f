/** Keys that PuTTY has made: with the passphrase `right`, or without one. They open nothing. */

export interface PpkCase {
  readonly what: string;
  readonly isEncrypted: boolean;
  readonly ppk: string;
  /** As PuTTY exports it for OpenSSH. */
  readonly publicKey: string;
}

export const PPK_CASES: readonly PpkCase[] = [
  {
    what: 'RSA, version 2',
    isEncrypted: false,
    publicKey:
      'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQCi4a3W2sm+4ni+8O6tZhl2iZINS7DE21DUfejhsMY7GcDIVTln9/Hsdfb5D2u8gR6gtRJtr3BfHH8vHSjf4ybVSwK84XuNUQjo/A7Sxl3ocpuVBbcyPQoWYd+64S/70FKmed92hhYOWv3O15CHXm39gZTYpCoFDs7qhoFiq/i3GOmmj0qc+k38wOEhI+XKXgC1BMNnVII+ZFA3qmpPOStvgTSNzKRQGJOAPrMaxXLUDcQ2Y6RtlpxftcZKd7ybnsNgfqnhSaB1zmO/FnkTSrsPYgMfvgfkHl2i14y5/JJ1ZQurckpvWKO9NZB8D5+GLKsWcWewwHKKMKPus6z4Twr9',
    ppk: `PuTTY-User-Key-File-2: ssh-rsa
Encryption: none
Comment: a comment
Public-Lines: 6
AAAAB3NzaC1yc2EAAAADAQABAAABAQCi4a3W2sm+4ni+8O6tZhl2iZINS7DE21DU
fejhsMY7GcDIVTln9/Hsdfb5D2u8gR6gtRJtr3BfHH8vHSjf4ybVSwK84XuNUQjo
/A7Sxl3ocpuVBbcyPQoWYd+64S/70FKmed92hhYOWv3O15CHXm39gZTYpCoFDs7q
hoFiq/i3GOmmj0qc+k38wOEhI+XKXgC1BMNnVII+ZFA3qmpPOStvgTSNzKRQGJOA
PrMaxXLUDcQ2Y6RtlpxftcZKd7ybnsNgfqnhSaB1zmO/FnkTSrsPYgMfvgfkHl2i
14y5/JJ1ZQurckpvWKO9NZB8D5+GLKsWcWewwHKKMKPus6z4Twr9
Private-Lines: 14
AAABAAkMkrTiGN1DBcRN7GSzzGxafkPA1cRKDvaPPDX1tT2pU52Npo/RJZ6mex8h
LTIe1k3FYY24dnzCP4qlixTNMOYesbs+p7eVLfKLtmMdZDA61cv0slXXME1ICL8A
LcNGsqDPGowiLO2FPp6UOVJb+65e2Z8jl7YKOZKsAFo0BbBeWibtKXsm9inUk8/o
tiP/GIgTMExr7wJQQP8vdraQHKeRnEAALeCqQe1ZJB8DG0A1gP/cCYzOnfZ1EXi1
QcKsCWQU2S69ObVRXcaEgHhytzx89OElOOXR9s3fn0ZesPcyvrA3XmTFWKRwurGd
3QCZ1nzJ3W3mJEMADd9C6blUsGEAAACBAOHF++RVk24WOnj7C0HBNndySnr2I8aA
dIlLgpw/rFtxtYlPSdIztiAlumGS/Zz1krf7Uq+maB3zd4g49Z6qd9r+a9hGM6F4
l2eOUXNvOnkoRrmEZgX0Ti/ziRchy6KSouCeNQfHXONyFQiZQwgekNews+eTF1w/
XaXSvrcvHldZAAAAgQC4sC4fvEv+bggDkiBfFPMwKlmCecB83frLQDbbxPaLQBRh
8BW1J2nuoqaG0JsrfCI7LChpORKYyLL2cBhEViHFSjiyjsC/me5rE/5BaH9etzYw
x7PUcWenQ0eg+f7IPQ6sfu1YTU0kOC/9WaeijSposUyRE8bjKquOtyWdq32ARQAA
AIEA0EAVeSdU2FC0iJ4ID74Qh2lmFtshGoWn2K5Eze+pCNqXT2X98gR4I+/iB5yT
8PydQ9sLgeHEGtauq9JXHd/hVqzq1js6Hw3nz0GNSxeYmwTlfqQalwqSEYK6G/1b
qnJ1NVRDKT6hy2rZI8yJuf00wFAywZk3gDyd9LLyO97sXKM=
Private-MAC: 74a1a198d897598149ca2451bd85be97c14c9707
`,
  },
  {
    what: 'RSA, version 2, encrypted',
    isEncrypted: true,
    publicKey:
      'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQCi4a3W2sm+4ni+8O6tZhl2iZINS7DE21DUfejhsMY7GcDIVTln9/Hsdfb5D2u8gR6gtRJtr3BfHH8vHSjf4ybVSwK84XuNUQjo/A7Sxl3ocpuVBbcyPQoWYd+64S/70FKmed92hhYOWv3O15CHXm39gZTYpCoFDs7qhoFiq/i3GOmmj0qc+k38wOEhI+XKXgC1BMNnVII+ZFA3qmpPOStvgTSNzKRQGJOAPrMaxXLUDcQ2Y6RtlpxftcZKd7ybnsNgfqnhSaB1zmO/FnkTSrsPYgMfvgfkHl2i14y5/JJ1ZQurckpvWKO9NZB8D5+GLKsWcWewwHKKMKPus6z4Twr9',
    ppk: `PuTTY-User-Key-File-2: ssh-rsa
Encryption: aes256-cbc
Comment: a comment
Public-Lines: 6
AAAAB3NzaC1yc2EAAAADAQABAAABAQCi4a3W2sm+4ni+8O6tZhl2iZINS7DE21DU
fejhsMY7GcDIVTln9/Hsdfb5D2u8gR6gtRJtr3BfHH8vHSjf4ybVSwK84XuNUQjo
/A7Sxl3ocpuVBbcyPQoWYd+64S/70FKmed92hhYOWv3O15CHXm39gZTYpCoFDs7q
hoFiq/i3GOmmj0qc+k38wOEhI+XKXgC1BMNnVII+ZFA3qmpPOStvgTSNzKRQGJOA
PrMaxXLUDcQ2Y6RtlpxftcZKd7ybnsNgfqnhSaB1zmO/FnkTSrsPYgMfvgfkHl2i
14y5/JJ1ZQurckpvWKO9NZB8D5+GLKsWcWewwHKKMKPus6z4Twr9
Private-Lines: 14
k7GUruB3m0ndCu6SYZKQUAb8Ka2Sgc1lb9cFxROGDMaEQAfy0lVINhp+tuascvxD
gFGfRpLH2tFGwBk5D8wg0UaSGATAoJZKZ8BxaqmzqusrGOVeQMNkOObr0kdXNBse
qnxuy8cyOMXXSCBJzLtVFMMLVKWcQqdilXgA3WLkCE8Wcgfc+TGcAOdMdpunzNIf
XxKtAHXdmJvJqsyP2ZTxcjTcwDQmyHH10Js2LXjMdsVCA+UXtWP/bjOtC9VY3K9l
DRJs9ChScIIH/Q015os4quvwgFfg/+amWlzQZekoNkDj2AilfShzZHyBv+Do/lhM
POXcWeT3zkYsoPpQMth3+ePktAh+mjfjFyfiWfJMHhIN+zdye9v3zvcHuZgzX/m8
2zJRm/vCNJlxgeVNXE3+i6Y8LWZUWoHXyJc8u0Yx/DW4rgqhVKtMb006FGroGYbd
qqd5qkW2/HDVyIZnLA73nEgzA8VkB0aJPbUoVEnxgg5sU3nkQ8A+S89BIn4Xevak
QpAq/gxgFSwI/7pEgMitbbRT1mvzLnO4IhiNuyTzy6qgCaLIxZ9FgQJy0d4r8tRj
rFWfS8xgD1uG4EbZaGL5URpT4vha/CUsb+jq9InrCeEGt3zf5al9Pl8zeAHICTyL
GTKK7DI5UqFg7hSGssbhWZIL4IFI+PK2E8TP4Qt7Q8t8Okt1IApu7htq9ZtmWZSz
BeAxSlrsva4RnKHTQ2279JrwrWg5yJ9LIzPY1TMZIt82/mTaYPnWtCLMmUUtZpp5
rSDSR6cy4+1v65BUd+ZkBbWouge5aq9QAm+PJo2cvVksomOp5HavN+zIR+OAURlo
hxq0SzyWjRBnVxC2Tvs7b1mss/LN2rlnfQROcQP8aBrU74GtSItDsCMSEBfrZTmS
Private-MAC: e8941b70d75e2a06372bec2cb914b74a42c71284
`,
  },
  {
    what: 'RSA, version 3',
    isEncrypted: false,
    publicKey:
      'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQCi4a3W2sm+4ni+8O6tZhl2iZINS7DE21DUfejhsMY7GcDIVTln9/Hsdfb5D2u8gR6gtRJtr3BfHH8vHSjf4ybVSwK84XuNUQjo/A7Sxl3ocpuVBbcyPQoWYd+64S/70FKmed92hhYOWv3O15CHXm39gZTYpCoFDs7qhoFiq/i3GOmmj0qc+k38wOEhI+XKXgC1BMNnVII+ZFA3qmpPOStvgTSNzKRQGJOAPrMaxXLUDcQ2Y6RtlpxftcZKd7ybnsNgfqnhSaB1zmO/FnkTSrsPYgMfvgfkHl2i14y5/JJ1ZQurckpvWKO9NZB8D5+GLKsWcWewwHKKMKPus6z4Twr9',
    ppk: `PuTTY-User-Key-File-3: ssh-rsa
Encryption: none
Comment: a comment
Public-Lines: 6
AAAAB3NzaC1yc2EAAAADAQABAAABAQCi4a3W2sm+4ni+8O6tZhl2iZINS7DE21DU
fejhsMY7GcDIVTln9/Hsdfb5D2u8gR6gtRJtr3BfHH8vHSjf4ybVSwK84XuNUQjo
/A7Sxl3ocpuVBbcyPQoWYd+64S/70FKmed92hhYOWv3O15CHXm39gZTYpCoFDs7q
hoFiq/i3GOmmj0qc+k38wOEhI+XKXgC1BMNnVII+ZFA3qmpPOStvgTSNzKRQGJOA
PrMaxXLUDcQ2Y6RtlpxftcZKd7ybnsNgfqnhSaB1zmO/FnkTSrsPYgMfvgfkHl2i
14y5/JJ1ZQurckpvWKO9NZB8D5+GLKsWcWewwHKKMKPus6z4Twr9
Private-Lines: 14
AAABAAkMkrTiGN1DBcRN7GSzzGxafkPA1cRKDvaPPDX1tT2pU52Npo/RJZ6mex8h
LTIe1k3FYY24dnzCP4qlixTNMOYesbs+p7eVLfKLtmMdZDA61cv0slXXME1ICL8A
LcNGsqDPGowiLO2FPp6UOVJb+65e2Z8jl7YKOZKsAFo0BbBeWibtKXsm9inUk8/o
tiP/GIgTMExr7wJQQP8vdraQHKeRnEAALeCqQe1ZJB8DG0A1gP/cCYzOnfZ1EXi1
QcKsCWQU2S69ObVRXcaEgHhytzx89OElOOXR9s3fn0ZesPcyvrA3XmTFWKRwurGd
3QCZ1nzJ3W3mJEMADd9C6blUsGEAAACBAOHF++RVk24WOnj7C0HBNndySnr2I8aA
dIlLgpw/rFtxtYlPSdIztiAlumGS/Zz1krf7Uq+maB3zd4g49Z6qd9r+a9hGM6F4
l2eOUXNvOnkoRrmEZgX0Ti/ziRchy6KSouCeNQfHXONyFQiZQwgekNews+eTF1w/
XaXSvrcvHldZAAAAgQC4sC4fvEv+bggDkiBfFPMwKlmCecB83frLQDbbxPaLQBRh
8BW1J2nuoqaG0JsrfCI7LChpORKYyLL2cBhEViHFSjiyjsC/me5rE/5BaH9etzYw
x7PUcWenQ0eg+f7IPQ6sfu1YTU0kOC/9WaeijSposUyRE8bjKquOtyWdq32ARQAA
AIEA0EAVeSdU2FC0iJ4ID74Qh2lmFtshGoWn2K5Eze+pCNqXT2X98gR4I+/iB5yT
8PydQ9sLgeHEGtauq9JXHd/hVqzq1js6Hw3nz0GNSxeYmwTlfqQalwqSEYK6G/1b
qnJ1NVRDKT6hy2rZI8yJuf00wFAywZk3gDyd9LLyO97sXKM=
Private-MAC: f524d06864490f776a9d97ed051b9120b56be84daf70f3627fca9e28c235a695
`,
  },
  {
    what: 'RSA, version 3, encrypted',
    isEncrypted: true,
    publicKey:
      'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQCi4a3W2sm+4ni+8O6tZhl2iZINS7DE21DUfejhsMY7GcDIVTln9/Hsdfb5D2u8gR6gtRJtr3BfHH8vHSjf4ybVSwK84XuNUQjo/A7Sxl3ocpuVBbcyPQoWYd+64S/70FKmed92hhYOWv3O15CHXm39gZTYpCoFDs7qhoFiq/i3GOmmj0qc+k38wOEhI+XKXgC1BMNnVII+ZFA3qmpPOStvgTSNzKRQGJOAPrMaxXLUDcQ2Y6RtlpxftcZKd7ybnsNgfqnhSaB1zmO/FnkTSrsPYgMfvgfkHl2i14y5/JJ1ZQurckpvWKO9NZB8D5+GLKsWcWewwHKKMKPus6z4Twr9',
    ppk: `PuTTY-User-Key-File-3: ssh-rsa
Encryption: aes256-cbc
Comment: a comment
Public-Lines: 6
AAAAB3NzaC1yc2EAAAADAQABAAABAQCi4a3W2sm+4ni+8O6tZhl2iZINS7DE21DU
fejhsMY7GcDIVTln9/Hsdfb5D2u8gR6gtRJtr3BfHH8vHSjf4ybVSwK84XuNUQjo
/A7Sxl3ocpuVBbcyPQoWYd+64S/70FKmed92hhYOWv3O15CHXm39gZTYpCoFDs7q
hoFiq/i3GOmmj0qc+k38wOEhI+XKXgC1BMNnVII+ZFA3qmpPOStvgTSNzKRQGJOA
PrMaxXLUDcQ2Y6RtlpxftcZKd7ybnsNgfqnhSaB1zmO/FnkTSrsPYgMfvgfkHl2i
14y5/JJ1ZQurckpvWKO9NZB8D5+GLKsWcWewwHKKMKPus6z4Twr9
Key-Derivation: Argon2id
Argon2-Memory: 128
Argon2-Passes: 1
Argon2-Parallelism: 1
Argon2-Salt: 04714a8dd5e9b760dc9fb44d4622b67a
Private-Lines: 14
sUTHcSNKmBYF2xnJr2ThULJ3rnjLTYaI5SvA9YTKQ5uyJDutJkjsgn9uanJ6u8n7
RbNti2QCkJ0898PaH+g2mEQicUOxTlRARU8eAGTDQRqJIEdoxZF4nXAFhEofHL8E
nAF7/op1PLdUjMb01Ez3Ytz2Wn0TX+hTYcUlLcTnGRELwBeheOvdrCgE4DwHZjd7
kkKi+gyZ0oyUjJbyZ7SRKPlESxNUHx3CwvOCd0VCP5CINLX8Dk6OXLROB459im8m
xWR6eSCMkCQ+WvKEOcen7Y7uOAlWQegUuzC9D81r4OXcWe5h6mSvykAkjLiXtPCZ
4AUKoLXjZ3Z+QKEuLZkXhv+3445UIqqIOWjJ5RPdoyxWU+jD5xcCRBAO77q9raVn
zLVbhPIOTgzsuQ6UZ09UvDaXtzaY7oJ+9emeiSNBkqLkGKilo+rZdBp6MJpwVs0Y
M/0E9hBbLMNC0GaD2IpZfwZLe9KOhCgvrttKScc8mKHFFBJDVyIP1t5tTRDdjy4d
OI09qymlgOFaUHs8zN8V2E1rS2/9ZpyTaCyHnueVjo01qHqAe5XR/MXHiyeusb2p
SeZ6Mft8C6PBQkdkj1Jx0QuWmWTdt4fqHICh7HnKjiNhMRgHnWSLWVcBQL50HMC4
NfJX6r20Vj6HgPhP+3EB4cOz+xQqX6thqVARPTHEPqRF12K44Gc0MCVgiHnv9z6Q
q9yzyd6Bg3j1B58l7Lo1ydiOReN5qK5ifN1YEdDH8hZvX7JUKO3HKCLryDtfTzqO
j5eLOYUyi3pNLa18Fg7UDSiI9tqHLoYq4fn5kIPy7x3tLgVKKj0dSMzclJABKCP2
Id/N1m6k40eKhEAkkyqgyMa7vcl+t+xaHK8eTr14twQ5MtfPe3XezCRCZn+rDMOf
Private-MAC: 4c67b94fe02846a46177864b2f9b06d2bdef5cabf49fe9a335806a717dfc437c
`,
  },
  {
    what: 'ECDSA P-256, version 2',
    isEncrypted: false,
    publicKey:
      'ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBD12KOfhmqld4vboS3Tye8JWybGtpTOOTzWwpVBVzrhC11d+1EIWQj9+EXljnWVg1/opkXhscSaW0PEPCPcupsI=',
    ppk: `PuTTY-User-Key-File-2: ecdsa-sha2-nistp256
Encryption: none
Comment: a comment
Public-Lines: 3
AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBD12KOfhmqld
4vboS3Tye8JWybGtpTOOTzWwpVBVzrhC11d+1EIWQj9+EXljnWVg1/opkXhscSaW
0PEPCPcupsI=
Private-Lines: 1
AAAAIFjZQ2yKtDywxrGUHXa6mSEO07VVRdhTjXjkAG5aPs1F
Private-MAC: 9c0d1e51553846286b218bb2afb34ccc1c1c998b
`,
  },
  {
    what: 'ECDSA P-256, version 2, encrypted',
    isEncrypted: true,
    publicKey:
      'ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBD12KOfhmqld4vboS3Tye8JWybGtpTOOTzWwpVBVzrhC11d+1EIWQj9+EXljnWVg1/opkXhscSaW0PEPCPcupsI=',
    ppk: `PuTTY-User-Key-File-2: ecdsa-sha2-nistp256
Encryption: aes256-cbc
Comment: a comment
Public-Lines: 3
AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBD12KOfhmqld
4vboS3Tye8JWybGtpTOOTzWwpVBVzrhC11d+1EIWQj9+EXljnWVg1/opkXhscSaW
0PEPCPcupsI=
Private-Lines: 1
2/UzToYWy3lCIyEzW8lWuffc4/KWlDWeogrYhjnP5EyEika+Z7FPXiZpQ69kEC9y
Private-MAC: 480222c031c34eed78cb692aa1cbfb9bb6df5d69
`,
  },
  {
    what: 'ECDSA P-256, version 3',
    isEncrypted: false,
    publicKey:
      'ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBD12KOfhmqld4vboS3Tye8JWybGtpTOOTzWwpVBVzrhC11d+1EIWQj9+EXljnWVg1/opkXhscSaW0PEPCPcupsI=',
    ppk: `PuTTY-User-Key-File-3: ecdsa-sha2-nistp256
Encryption: none
Comment: a comment
Public-Lines: 3
AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBD12KOfhmqld
4vboS3Tye8JWybGtpTOOTzWwpVBVzrhC11d+1EIWQj9+EXljnWVg1/opkXhscSaW
0PEPCPcupsI=
Private-Lines: 1
AAAAIFjZQ2yKtDywxrGUHXa6mSEO07VVRdhTjXjkAG5aPs1F
Private-MAC: b25c01057d4afba8229150784af31e3c9cb9e210d2d1c4400196601aea449c1c
`,
  },
  {
    what: 'ECDSA P-256, version 3, encrypted',
    isEncrypted: true,
    publicKey:
      'ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBD12KOfhmqld4vboS3Tye8JWybGtpTOOTzWwpVBVzrhC11d+1EIWQj9+EXljnWVg1/opkXhscSaW0PEPCPcupsI=',
    ppk: `PuTTY-User-Key-File-3: ecdsa-sha2-nistp256
Encryption: aes256-cbc
Comment: a comment
Public-Lines: 3
AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBD12KOfhmqld
4vboS3Tye8JWybGtpTOOTzWwpVBVzrhC11d+1EIWQj9+EXljnWVg1/opkXhscSaW
0PEPCPcupsI=
Key-Derivation: Argon2id
Argon2-Memory: 128
Argon2-Passes: 1
Argon2-Parallelism: 1
Argon2-Salt: bdb3ff94266d96a90d524353672b94f8
Private-Lines: 1
JtwyPBROGE4+IJaUhA9Cnw8Qs9pfgaHFv8eFLBfczUyuN8UoNUNrCuHC25IqkYbO
Private-MAC: f37d69ca5b35809fd395db80a61de5bebddfed23f637afd827703fda52f0c0d9
`,
  },
  {
    what: 'ECDSA P-384, version 2',
    isEncrypted: false,
    publicKey:
      'ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBPyuodRZ+40sEnw0pquLdk9FPlW4A+CNoanE9X7Zmko35KliCOp+w4a4jFtLNO8Jdxghq6mkcFZWaG8q+k4En8ui4jJZj5yxKoxDeDmjvT3aoEypRgXS/Dx+7CygeU6Xbw==',
    ppk: `PuTTY-User-Key-File-2: ecdsa-sha2-nistp384
Encryption: none
Comment: a comment
Public-Lines: 3
AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBPyuodRZ+40s
Enw0pquLdk9FPlW4A+CNoanE9X7Zmko35KliCOp+w4a4jFtLNO8Jdxghq6mkcFZW
aG8q+k4En8ui4jJZj5yxKoxDeDmjvT3aoEypRgXS/Dx+7CygeU6Xbw==
Private-Lines: 2
AAAAMAmyH8wTsM91I+HFY/jQXJ9uu9BwZiNUoKskBYCocSab2tlMTLglFJ9BFQfV
kkoRUg==
Private-MAC: b77d9949e5a0ffc261e4d3640e105bd6e91c2145
`,
  },
  {
    what: 'ECDSA P-384, version 2, encrypted',
    isEncrypted: true,
    publicKey:
      'ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBPyuodRZ+40sEnw0pquLdk9FPlW4A+CNoanE9X7Zmko35KliCOp+w4a4jFtLNO8Jdxghq6mkcFZWaG8q+k4En8ui4jJZj5yxKoxDeDmjvT3aoEypRgXS/Dx+7CygeU6Xbw==',
    ppk: `PuTTY-User-Key-File-2: ecdsa-sha2-nistp384
Encryption: aes256-cbc
Comment: a comment
Public-Lines: 3
AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBPyuodRZ+40s
Enw0pquLdk9FPlW4A+CNoanE9X7Zmko35KliCOp+w4a4jFtLNO8Jdxghq6mkcFZW
aG8q+k4En8ui4jJZj5yxKoxDeDmjvT3aoEypRgXS/Dx+7CygeU6Xbw==
Private-Lines: 2
fvuoZVTRAxFHDcCSAJSwMgliq7eXvAMU8Fer0Q+zJyQpFqTrby4zEfHrhelEiNDc
pGq4dlhV2x2C66OjzO+moQ==
Private-MAC: 4d72b8512e96b8154f0822818b0c2901f918e14a
`,
  },
  {
    what: 'ECDSA P-384, version 3',
    isEncrypted: false,
    publicKey:
      'ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBPyuodRZ+40sEnw0pquLdk9FPlW4A+CNoanE9X7Zmko35KliCOp+w4a4jFtLNO8Jdxghq6mkcFZWaG8q+k4En8ui4jJZj5yxKoxDeDmjvT3aoEypRgXS/Dx+7CygeU6Xbw==',
    ppk: `PuTTY-User-Key-File-3: ecdsa-sha2-nistp384
Encryption: none
Comment: a comment
Public-Lines: 3
AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBPyuodRZ+40s
Enw0pquLdk9FPlW4A+CNoanE9X7Zmko35KliCOp+w4a4jFtLNO8Jdxghq6mkcFZW
aG8q+k4En8ui4jJZj5yxKoxDeDmjvT3aoEypRgXS/Dx+7CygeU6Xbw==
Private-Lines: 2
AAAAMAmyH8wTsM91I+HFY/jQXJ9uu9BwZiNUoKskBYCocSab2tlMTLglFJ9BFQfV
kkoRUg==
Private-MAC: 85204500707eede5adfe0a1f47931e4a69203259ee47deab955d144971e1294d
`,
  },
  {
    what: 'ECDSA P-384, version 3, encrypted',
    isEncrypted: true,
    publicKey:
      'ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBPyuodRZ+40sEnw0pquLdk9FPlW4A+CNoanE9X7Zmko35KliCOp+w4a4jFtLNO8Jdxghq6mkcFZWaG8q+k4En8ui4jJZj5yxKoxDeDmjvT3aoEypRgXS/Dx+7CygeU6Xbw==',
    ppk: `PuTTY-User-Key-File-3: ecdsa-sha2-nistp384
Encryption: aes256-cbc
Comment: a comment
Public-Lines: 3
AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBPyuodRZ+40s
Enw0pquLdk9FPlW4A+CNoanE9X7Zmko35KliCOp+w4a4jFtLNO8Jdxghq6mkcFZW
aG8q+k4En8ui4jJZj5yxKoxDeDmjvT3aoEypRgXS/Dx+7CygeU6Xbw==
Key-Derivation: Argon2id
Argon2-Memory: 128
Argon2-Passes: 1
Argon2-Parallelism: 1
Argon2-Salt: 8d444b45bd9656fadaf0dab62e163b79
Private-Lines: 2
huXAhSa1X+Afn+Ou8JJegtjNdiG6ba2DUjllHHS4KiqTNFefvfFaM1tnRnnfOVt2
Hx6dXOpwLycNGZM7ASy2DQ==
Private-MAC: dfa343e44023ffc9261644eca16301c0e79053780a207a35ba3abe654ce85edd
`,
  },
  {
    what: 'Ed25519, version 2',
    isEncrypted: false,
    publicKey: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOKXibxDlnNK5gQjYDHjAt6H6GMGKmpWQZbXhZNvAGXm',
    ppk: `PuTTY-User-Key-File-2: ssh-ed25519
Encryption: none
Comment: a comment
Public-Lines: 2
AAAAC3NzaC1lZDI1NTE5AAAAIOKXibxDlnNK5gQjYDHjAt6H6GMGKmpWQZbXhZNv
AGXm
Private-Lines: 1
AAAAIFQkBafHiLoCdhNb5tqD69kLlMS+FzrHwYdZpjXoqQkK
Private-MAC: 3eaa6479211f348370e291fda99c91adb1d50be8
`,
  },
  {
    what: 'Ed25519, version 2, encrypted',
    isEncrypted: true,
    publicKey: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOKXibxDlnNK5gQjYDHjAt6H6GMGKmpWQZbXhZNvAGXm',
    ppk: `PuTTY-User-Key-File-2: ssh-ed25519
Encryption: aes256-cbc
Comment: a comment
Public-Lines: 2
AAAAC3NzaC1lZDI1NTE5AAAAIOKXibxDlnNK5gQjYDHjAt6H6GMGKmpWQZbXhZNv
AGXm
Private-Lines: 1
ymZ4RouTvI2z3r74fbl+dSVJNO0hvI6lmmKsBUVYRHhMBLOTjid7Wx0tsStmzqsC
Private-MAC: ec4c1c3216e64f46c83b23e1e93db1493f070882
`,
  },
  {
    what: 'Ed25519, version 3',
    isEncrypted: false,
    publicKey: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOKXibxDlnNK5gQjYDHjAt6H6GMGKmpWQZbXhZNvAGXm',
    ppk: `PuTTY-User-Key-File-3: ssh-ed25519
Encryption: none
Comment: a comment
Public-Lines: 2
AAAAC3NzaC1lZDI1NTE5AAAAIOKXibxDlnNK5gQjYDHjAt6H6GMGKmpWQZbXhZNv
AGXm
Private-Lines: 1
AAAAIFQkBafHiLoCdhNb5tqD69kLlMS+FzrHwYdZpjXoqQkK
Private-MAC: b2f4529642d95c6e898dce69549de8131a61f115ac07bc932a6ebb3a8de8e952
`,
  },
  {
    what: 'Ed25519, version 3, encrypted',
    isEncrypted: true,
    publicKey: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOKXibxDlnNK5gQjYDHjAt6H6GMGKmpWQZbXhZNvAGXm',
    ppk: `PuTTY-User-Key-File-3: ssh-ed25519
Encryption: aes256-cbc
Comment: a comment
Public-Lines: 2
AAAAC3NzaC1lZDI1NTE5AAAAIOKXibxDlnNK5gQjYDHjAt6H6GMGKmpWQZbXhZNv
AGXm
Key-Derivation: Argon2id
Argon2-Memory: 128
Argon2-Passes: 1
Argon2-Parallelism: 1
Argon2-Salt: 1bceb802dd1ce4386fb2cf884297c906
Private-Lines: 1
VKKwFpoqy/ietHyYDAQVUXhqS4S0NyUzXj7gVj+SFvFVzwQj1L4CXmpksFiEoUKt
Private-MAC: b7bf58c65c17eb8975775f7790f9242fd409ce14ff3e674b7ab95334f02b7bd4
`,
  },
];
