#!/bin/sh
# Makes the disk of a tree: disk.sh TAR FOLDER. Leaves disk.raw, vmlinuz and facts in FOLDER. Needs no mount and no
# loop device; owners are kept because root, or fakeroot, runs it.
set -eu
tar=$1 folder=$2
tree=$folder/tree disk=$folder/disk.raw
here=$(dirname "$0")
mib=$((1024 * 1024)) size=2048 esp=64   # MiB
root_uuid=8a1f5f0c-7a36-4e0b-9d5e-6f0c2b7d1012
esp_id=12DEB12E

mkdir "$tree"
tar --extract --file "$tar" --directory "$tree" --numeric-owner --same-owner --preserve-permissions \
    --xattrs --xattrs-include='*' --exclude './dev/*'

# Nothing of the host stays in the image.
rm -rf "$tree"/etc/ssh/ssh_host_* "$tree"/var/lib/apt/lists/* "$tree"/var/cache/apt/* "$tree"/var/cache/debconf/*-old \
    "$tree"/var/lib/dpkg/*-old "$tree"/var/log/* "$tree"/tmp/* "$tree"/var/tmp/* "$tree"/run/* "$tree"/root/.[!.]* \
    "$tree"/var/lib/systemd/random-seed "$tree"/var/lib/dbus/machine-id "$tree"/etc/apt/apt.conf.d/99mmdebstrap \
    "$tree"/etc/dpkg/dpkg.cfg.d/99mmdebstrap "$tree"/etc/apt/sources.list
mkdir -p "$tree/var/cache/apt/archives/partial" "$tree/var/lib/apt/lists/partial" "$tree/boot/efi" "$tree/boot/grub"
install -d -m 2755 "$tree/var/log/journal"
: >"$tree/etc/machine-id"
ln -s /etc/machine-id "$tree/var/lib/dbus/machine-id"
ln -sf ../run/systemd/resolve/stub-resolv.conf "$tree/etc/resolv.conf"
echo localhost >"$tree/etc/hostname"
cat >"$tree/etc/hosts" <<'HOSTS'
127.0.0.1 localhost
::1 localhost ip6-localhost ip6-loopback
ff02::1 ip6-allnodes
ff02::2 ip6-allrouters
HOSTS
cat >"$tree/etc/fstab" <<FSTAB
UUID=$root_uuid / ext4 rw,discard,errors=remount-ro 0 1
UUID=$(echo $esp_id | sed 's/..../&-/') /boot/efi vfat umask=0077,nofail 0 0
FSTAB
# update-grub writes this file anew, in the guest, when a kernel comes.
cat >"$tree/boot/grub/grub.cfg" <<GRUB
search --no-floppy --fs-uuid --set=root $root_uuid
linux /vmlinuz root=UUID=$root_uuid ro console=tty0 console=ttyS0,115200 quiet
initrd /initrd.img
boot
GRUB
cat >"$folder/grub.cfg" <<GRUB
search.fs_uuid $root_uuid root
set prefix=(\$root)/boot/grub
configfile \$prefix/grub.cfg
GRUB

# Root is partition 1 and the last on the disk, as in Debian's cloud images: it can grow.
truncate --size "${size}M" "$disk"
sfdisk --quiet "$disk" <<LAYOUT
label: gpt
label-id: 0D1E1F0C-7A36-4E0B-9D5E-6F0C2B7D1012
15 : start=2048, size=${esp}MiB, type=uefi, uuid=3C0A3A51-7A36-4E0B-9D5E-6F0C2B7D1012
1 : type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709, uuid=5A0B1C2D-7A36-4E0B-9D5E-6F0C2B7D1012
LAYOUT
MKE2FS_CONFIG=$here/mke2fs.conf mke2fs -q -t ext4 -L root -U "$root_uuid" \
    -E "offset=$(((esp + 1) * mib)),hash_seed=$root_uuid,nodiscard,lazy_itable_init=0,root_owner=0:0" \
    -d "$tree" "$disk" "$(((size - esp - 2) * 1024))k"
mkfs.vfat --offset 2048 -F 32 -s 1 -n EFI -i "$esp_id" "$disk" $((esp * 1024)) >"$folder/vfat.log" 2>&1
export MTOOLS_SKIP_CHECK=1
shim=$tree/usr/lib/shim/shimx64.efi.signed
grub=$tree/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed
mmd -i "$disk@@1M" ::/EFI ::/EFI/BOOT ::/EFI/debian
mcopy -i "$disk@@1M" "$shim" ::/EFI/BOOT/BOOTX64.EFI
mcopy -i "$disk@@1M" "$grub" ::/EFI/BOOT/grubx64.efi
mcopy -i "$disk@@1M" "$shim" ::/EFI/debian/shimx64.efi
mcopy -i "$disk@@1M" "$grub" ::/EFI/debian/grubx64.efi
mcopy -i "$disk@@1M" "$folder/grub.cfg" ::/EFI/debian/grub.cfg

cp --dereference "$tree"/boot/vmlinuz-* "$folder/vmlinuz"
cp "$tree/etc/debian_version" "$folder/version"
sed -n 's/^Package: //p; s/^Version: //p' "$tree/var/lib/dpkg/status" >"$folder/packages"
rm -rf "$tree" "$folder/vfat.log" "$folder/grub.cfg"
