# offhook: which slot is booted. One script for all boards; `build-image` wraps it as boot.scr for U-Boot's hush shell.
# The state is two sectors on the partition of that name (docs/image.md): the newer one whose checksum is right counts, and
# only the other one is ever written. Numbers are hexadecimal here.

echo "offhook: choosing the slot"
setenv buffer ${kernel_addr_r}
if test "${vendor}" = raspberrypi; then
  # The default places are too close to each other for Debian's kernel.
  setenv kernel_addr_r 0x08000000
  setenv ramdisk_addr_r 0x10000000
  setenv fdt_addr_r 0x07f00000
  setenv buffer 0x07e00000
else
  setexpr ramdisk_addr_r ${kernel_addr_r} + 0x8000000
  setexpr fdt_addr_r ${kernel_addr_r} + 0x7f00000
fi

${devtype} dev ${devnum}
part start ${devtype} ${devnum} 5 sector0
setexpr sector1 ${sector0} + 0x2000

# Read the copy 0, then 1 if it is newer, then 0 again where it is not: what was read last is what counts.
setenv fields oh_seq oh_slot oh_a oh_b oh_tries
setenv read_copy 'if ${devtype} read ${buffer} ${sector} 1; then env import -c ${buffer} 200 ${fields}; else false; fi'
setenv copy none
setenv sector ${sector0}
if run read_copy; then
  setenv copy 0
  setenv seq0 ${oh_seq}
fi
setenv sector ${sector1}
if run read_copy; then
  if test ${copy} = none || itest 0x${oh_seq} -gt 0x${seq0}; then
    setenv copy 1
  else
    setenv sector ${sector0}
    run read_copy
  fi
fi
if test ${copy} = none; then
  echo "offhook: both copies of the slot state are damaged; slot a comes first"
  setenv oh_slot a
  setenv oh_a good
  setenv oh_b good
  setenv oh_tries 0
  setenv oh_seq 0
fi

setenv write_state 'setexpr oh_seq ${oh_seq} + 1; env export -c -s 200 ${buffer} ${fields}; if test ${copy} = 0; then setenv sector ${sector1}; else setenv sector ${sector0}; fi; ${devtype} write ${buffer} ${sector} 1'

if test ${oh_slot} = b; then
  setenv first b
  setenv other a
  setenv kind ${oh_b}
else
  setenv first a
  setenv other b
  setenv kind ${oh_a}
fi
setenv trial
if test "${kind}" = trial; then
  if itest 0x${oh_tries} -gt 0; then
    setenv trial ${first}
    setexpr oh_tries ${oh_tries} - 1
    echo "offhook: slot ${first} is on trial, ${oh_tries} more tries"
    if run write_state; then true; else
      echo "offhook: the trial cannot be counted; the proven slot is booted"
      setenv trial
    fi
  else
    echo "offhook: slot ${first} has used up its tries"
    setenv oh_${first} bad
    setenv oh_slot ${other}
    run write_state
  fi
fi

# The slot on trial, then what has proven itself, then, rather than nothing, a whole version that has not. An empty slot
# may hold half of one.
setenv order ${trial}
for worth in good trial bad; do
  for slot in ${first} ${other}; do
    if test ${slot} = a; then setenv kind ${oh_a}; else setenv kind ${oh_b}; fi
    if test "${kind}" = ${worth} && test ${slot} != "${trial}"; then setenv order ${order} ${slot}; fi
  done
done

# Settings of the owner: extra_args (kernel), fdt_source=firmware (the device tree of the firmware with its overlays).
# "-r": whoever wrote the file on Windows has left a carriage return at each end of a line.
if load ${devtype} ${devnum}:1 ${buffer} offhook.env; then env import -t -r ${buffer} ${filesize} extra_args fdt_source; fi

for slot in ${order}; do
  if test ${slot} = a; then
    setenv kernel_part 6
    setenv root_part 7
  else
    setenv kernel_part 8
    setenv root_part 9
  fi
  setenv from "${devtype} ${devnum}:${kernel_part}"
  part uuid ${devtype} ${devnum}:${root_part} root_uuid
  if load ${from} ${buffer} slot.env && env import -t -r ${buffer} ${filesize} slot_args && load ${from} ${kernel_addr_r} vmlinuz && load ${from} ${ramdisk_addr_r} initrd.img; then
    setenv ramdisk_size ${filesize}
    setenv fdt ${fdtcontroladdr}
    if test "${vendor}" = raspberrypi && test -n "${fdt_addr}"; then setenv fdt ${fdt_addr}; fi
    if test "${fdt_source}" != firmware && test -n "${fdtfile}"; then
      if load ${from} ${fdt_addr_r} dtb/${fdtfile}; then setenv fdt ${fdt_addr_r}; fi
    fi
    setenv bootargs "${slot_args} offhook.slot=${slot} offhook.root=${root_uuid} offhook.medium=${devtype} ${extra_args}"
    if test "${trial}" = ${slot}; then setenv bootargs "${bootargs} offhook.trial"; fi
    echo "offhook: starting slot ${slot}"
    booti ${kernel_addr_r} ${ramdisk_addr_r}:${ramdisk_size} ${fdt}
  fi
  echo "offhook: slot ${slot} does not start"
done
echo "offhook: no slot can be started; trying again in 10 seconds"
sleep 10
reset
