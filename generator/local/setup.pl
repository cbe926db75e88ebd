# Makes the build user and the machine's identity. Runs as root in the guest; the values follow __END__, a line each: a
# name, a blank, the value in hex. It is one process on purpose: under TCG every further one costs 0.07 s.
use strict;
use warnings;

use constant { CLOCK_SETTIME => 227, SETHOSTNAME => 170 };    # system calls of x86-64
use constant RNDRESEEDCRNG => 0x5207;                          # linux/random.h
$ENV{PATH} = '/usr/sbin:/usr/bin:/sbin:/bin';
umask 022;

my %value = map { /^(\w+) (\w*)$/ ? ($1, pack 'H*', $2) : () } <DATA>;
my ($name, $user) = @value{qw(name user)};

sub run { system(@_) == 0 or die "$_[0] failed\n" }

sub put {
    my ($path, $content, $mode, @owner) = @_;
    unlink $path;
    open my $file, '>:raw', $path or die "$path: $!\n";
    chmod $mode, $file;
    chown @owner, $file if @owner;
    print $file $content;
    close $file or die "$path: $!\n";
}

# The time of a machine that was saved is past.
syscall(CLOCK_SETTIME, 0, pack 'qq', split /\./, $value{now}) == 0 or die "the clock was not set: $!\n";

# Only writing would leave the generator as it is for up to a minute.
open my $random, '+<:raw', '/dev/urandom' or die "/dev/urandom: $!\n";
syswrite $random, $value{entropy};
ioctl $random, RNDRESEEDCRNG, 0 or die "no fresh randomness: $!\n";

put('/etc/hostname', "$name\n", 0644);
syscall(SETHOSTNAME, $name, length $name) == 0 or die "the host name was not set: $!\n";

# A saved VM has the machine-id of others. The journal's folder goes by the machine-id; the old name leads to it, because
# the daemon knows that one.
if ($value{saved}) {
    my $id = $value{machine_id};
    open my $file, '<', '/etc/machine-id' or die "/etc/machine-id: $!\n";
    chomp(my $old = <$file>);
    put('/etc/machine-id', "$id\n", 0444);
    rename "/var/log/journal/$old", "/var/log/journal/$id" and symlink $id, "/var/log/journal/$old";
}
# The host keys were made on the host, which knows them so.
for my $kind (qw(ecdsa ed25519)) {
    put("/etc/ssh/ssh_host_${kind}_key", $value{"host_key_$kind"}, 0600);
    put("/etc/ssh/ssh_host_${kind}_key.pub", $value{"host_key_${kind}_pub"}, 0644);
}
my $server;
if ($value{saved}) {
    open my $file, '<', '/run/sshd.pid' or die "the SSH server does not run\n";
    chomp($server = <$file>);
    unlink '/run/sshd.pid';
    kill 'HUP', $server or die "the SSH server does not run\n";
}

getpwnam $user or run('useradd', '--create-home', '--shell', '/bin/bash', '--user-group', '--password', '*', $user);
my ($uid, $gid, $home) = (getpwnam $user)[2, 3, 7];
mkdir "$home/.ssh";
chmod 0700, "$home/.ssh";
chown $uid, $gid, "$home/.ssh";
put("$home/.ssh/authorized_keys", "$value{public_key}\n", 0600, $uid, $gid);
put('/etc/sudoers.d/90-imagegen', "$user ALL=(ALL) NOPASSWD:ALL\n", 0440);

# From this file waagent -deprovision+user learns whom to remove, as on Azure.
mkdir '/var/lib/waagent', 0700;
put('/var/lib/waagent/ovf-env.xml', "$value{ovf_env}\n", 0600);

if ($value{grow}) {
    open my $mounts, '<', '/proc/mounts' or die "/proc/mounts: $!\n";
    my ($root) = map { m{^/dev/(\S+) / } } <$mounts>;
    my ($disk) = readlink("/sys/class/block/$root") =~ m{([^/]+)/[^/]+$};
    open my $file, '<', "/sys/class/block/$root/partition" or die "$root is not a partition\n";
    chomp(my $number = <$file>);
    open my $table, '|-', 'sfdisk', '--quiet', '--force', '--no-reread', '-N', $number, "/dev/$disk" or die "sfdisk: $!\n";
    print $table ", +\n";
    close $table or die "the root partition was not grown\n";
    run('partx', '--update', '--nr', $number, "/dev/$disk");
    run('resize2fs', "/dev/$root");
}

if ($server) {
    # It writes this file when it listens again, with the new keys.
    select undef, undef, undef, 0.01 until -e '/run/sshd.pid' || !kill 0, $server;
    die "the SSH server did not start again\n" unless -e '/run/sshd.pid';
} else {
    # It may have started with keys of its own.
    run('systemctl', 'restart', 'ssh');
}
